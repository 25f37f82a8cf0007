// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// whyNoNodes is why clients make none.
const whyNoNodes = "the node of a standalone server is its own host"

// Nodes are what the server reports of its own host. Clients only read them.
type Nodes struct {
	store *genericregistry.Store
}

// clusterScoped is for requests that do not come through the handlers.
func clusterScoped(ctx context.Context) context.Context {
	return genericapirequest.WithNamespace(ctx, metav1.NamespaceNone)
}

// Get returns the node of that name.
func (n *Nodes) Get(ctx context.Context, name string) (*corev1.Node, error) {
	found, err := n.store.Get(clusterScoped(ctx), name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return found.(*corev1.Node), nil
}

// Put makes the node, or gives it the labels and the status that node has.
func (n *Nodes) Put(ctx context.Context, node *corev1.Node) error {
	info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		wanted := old.DeepCopyObject().(*corev1.Node)
		wanted.Name, wanted.Labels, wanted.Spec, wanted.Status = node.Name, node.Labels, node.Spec, node.Status
		return wanted, nil
	})
	_, _, err := n.store.Update(clusterScoped(ctx), node.Name, info,
		rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, true, &metav1.UpdateOptions{})
	return err
}

// KeepOnly removes nodes of other names, which the host had before.
func (n *Nodes) KeepOnly(ctx context.Context, name string) error {
	ctx = clusterScoped(ctx)
	list, err := n.store.List(ctx, &metainternalversion.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.(*corev1.NodeList).Items {
		other := list.(*corev1.NodeList).Items[i].Name
		if other == name {
			continue
		}
		if _, _, err := n.store.Delete(ctx, other, rest.ValidateAllObjectFunc, &metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func newNodes(getter generic.RESTOptionsGetter, scheme *runtime.Scheme) (*Nodes, readOnlyStorage, error) {
	store, err := nodes().newStore(getter, scheme)
	return &Nodes{store: store}, readOnlyStorage{readOnly: store, shortNames: nodes().shortNames}, err
}

func nodes() kind[*corev1.Node] {
	return kind[*corev1.Node]{
		groupVersion:  corev1.SchemeGroupVersion,
		resource:      "nodes",
		singular:      "node",
		shortNames:    []string{"no"},
		clusterScoped: true,
		newObject:     func() *corev1.Node { return &corev1.Node{} },
		newList:       func() runtime.Object { return &corev1.NodeList{} },
		validName:     validation.NameIsDNSSubdomain,
		noWatchCache:  true,
		columns: []metav1.TableColumnDefinition{
			table.NameColumn(),
			{Name: "Status", Type: "string", Description: "Whether the host runs guests."},
			{Name: "Roles", Type: "string", Description: "The roles of the host."},
			table.AgeColumn(),
			{Name: "Version", Type: "string", Description: "The version of the server."},
			{Name: "Internal-IP", Type: "string", Priority: 1, Description: "An address of the host."},
			{Name: "External-IP", Type: "string", Priority: 1, Description: "An address of the host for the outside."},
			{Name: "OS-Image", Type: "string", Priority: 1, Description: "The operating system of the host."},
			{Name: "Kernel-Version", Type: "string", Priority: 1, Description: "The kernel of the host."},
			{Name: "Container-Runtime", Type: "string", Priority: 1, Description: "What runs containers on the host."},
		},
		cells: func(node *corev1.Node) []any {
			info := node.Status.NodeInfo
			return []any{
				node.Name, readiness(node), rolesOf(node), table.Age(node.CreationTimestamp), info.KubeletVersion,
				address(node, corev1.NodeInternalIP), address(node, corev1.NodeExternalIP),
				known(info.OSImage), known(info.KernelVersion), known(info.ContainerRuntimeVersion),
			}
		},
	}
}

func readiness(node *corev1.Node) string {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return "Ready"
		}
	}
	return "NotReady"
}

func rolesOf(node *corev1.Node) string {
	var roles []string
	for label := range node.Labels {
		if role, ok := strings.CutPrefix(label, "node-role.kubernetes.io/"); ok {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	if len(roles) == 0 {
		return "<none>"
	}
	return strings.Join(roles, ",")
}

func address(node *corev1.Node, kind corev1.NodeAddressType) string {
	for _, address := range node.Status.Addresses {
		if address.Type == kind {
			return address.Address
		}
	}
	return "<none>"
}

func known(text string) string {
	if text == "" {
		return "<unknown>"
	}
	return text
}
