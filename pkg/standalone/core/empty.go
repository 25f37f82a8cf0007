// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// emptyKind is a kind that clients list and watch and that has no objects on a server of its own.
type emptyKind struct {
	resource      string
	singular      string
	shortNames    []string
	clusterScoped bool
	newObject     func() runtime.Object
	newList       func() runtime.Object
	// why there are none, and what to do instead.
	why string
}

func emptyKinds() []emptyKind {
	const noServices = "a standalone server has no service network: guests are reached at their own addresses, or with kubectl virt port-forward"
	const noQuotas = "a standalone server does not enforce it"
	return []emptyKind{
		{resource: "pods", singular: "pod", shortNames: []string{"po"},
			newObject: func() runtime.Object { return &corev1.Pod{} },
			newList:   func() runtime.Object { return &corev1.PodList{} },
			why:       "a standalone server runs no containers: make a VirtualMachine"},
		{resource: "replicationcontrollers", singular: "replicationcontroller", shortNames: []string{"rc"},
			newObject: func() runtime.Object { return &corev1.ReplicationController{} },
			newList:   func() runtime.Object { return &corev1.ReplicationControllerList{} },
			why:       "a standalone server runs no containers: make a VirtualMachine"},
		{resource: "services", singular: "service", shortNames: []string{"svc"},
			newObject: func() runtime.Object { return &corev1.Service{} },
			newList:   func() runtime.Object { return &corev1.ServiceList{} },
			why:       noServices},
		{resource: "endpoints", singular: "endpoints", shortNames: []string{"ep"},
			newObject: func() runtime.Object { return &corev1.Endpoints{} },
			newList:   func() runtime.Object { return &corev1.EndpointsList{} },
			why:       noServices},
		{resource: "serviceaccounts", singular: "serviceaccount", shortNames: []string{"sa"},
			newObject: func() runtime.Object { return &corev1.ServiceAccount{} },
			newList:   func() runtime.Object { return &corev1.ServiceAccountList{} },
			why:       "a standalone server knows its users by certificates and by --token-auth-file"},
		{resource: "limitranges", singular: "limitrange", shortNames: []string{"limits"},
			newObject: func() runtime.Object { return &corev1.LimitRange{} },
			newList:   func() runtime.Object { return &corev1.LimitRangeList{} },
			why:       noQuotas},
		{resource: "resourcequotas", singular: "resourcequota", shortNames: []string{"quota"},
			newObject: func() runtime.Object { return &corev1.ResourceQuota{} },
			newList:   func() runtime.Object { return &corev1.ResourceQuotaList{} },
			why:       noQuotas},
		{resource: "persistentvolumes", singular: "persistentvolume", shortNames: []string{"pv"}, clusterScoped: true,
			newObject: func() runtime.Object { return &corev1.PersistentVolume{} },
			newList:   func() runtime.Object { return &corev1.PersistentVolumeList{} },
			why:       "a standalone server makes the volume of a claim by itself: make a PersistentVolumeClaim"},
	}
}

// noObjects is the storage of an emptyKind, which needs none.
type noObjects struct {
	rest.TableConvertor
	kind emptyKind
}

var (
	_ rest.Scoper               = noObjects{}
	_ rest.SingularNameProvider = noObjects{}
	_ rest.ShortNamesProvider   = noObjects{}
	_ rest.Getter               = noObjects{}
	_ rest.Lister               = noObjects{}
	_ rest.Watcher              = noObjects{}
)

// unchanging is the version of lists that never change.
const unchanging = "1"

func newNoObjects(kind emptyKind) noObjects {
	return noObjects{kind: kind, TableConvertor: table.New(
		[]metav1.TableColumnDefinition{table.NameColumn(), table.AgeColumn()},
		func(runtime.Object) []any { return nil })}
}

func (s noObjects) New() runtime.Object     { return s.kind.newObject() }
func (s noObjects) NewList() runtime.Object { return s.kind.newList() }
func (s noObjects) Destroy()                {}
func (s noObjects) NamespaceScoped() bool   { return !s.kind.clusterScoped }
func (s noObjects) GetSingularName() string { return s.kind.singular }
func (s noObjects) ShortNames() []string    { return s.kind.shortNames }

// Get implements rest.Getter.
func (s noObjects) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	return nil, apierrors.NewNotFound(corev1.Resource(s.kind.resource), name)
}

// List implements rest.Lister.
func (s noObjects) List(context.Context, *metainternalversion.ListOptions) (runtime.Object, error) {
	list := s.kind.newList()
	// Not nil, which would be null on the wire.
	if err := meta.SetList(list, []runtime.Object{}); err != nil {
		return nil, err
	}
	accessor, err := meta.ListAccessor(list)
	if err != nil {
		return nil, err
	}
	accessor.SetResourceVersion(unchanging)
	return list, nil
}

// Watch implements rest.Watcher. The handler ends it.
func (s noObjects) Watch(_ context.Context, options *metainternalversion.ListOptions) (watch.Interface, error) {
	events := make(chan watch.Event, 1)
	if options != nil && ptr.Deref(options.SendInitialEvents, false) {
		bookmark := s.kind.newObject()
		accessor, err := meta.Accessor(bookmark)
		if err != nil {
			return nil, err
		}
		accessor.SetResourceVersion(unchanging)
		accessor.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
		events <- watch.Event{Type: watch.Bookmark, Object: bookmark}
	}
	return watch.NewProxyWatcher(events), nil
}
