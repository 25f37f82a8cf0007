// SPDX-License-Identifier: Apache-2.0

// Package virtualmachine stores VirtualMachines and serves their actions. Making instances of them is the
// work of pkg/controller/virtualmachine.
package virtualmachine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/cdi/datavolume"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/infer"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachineinstance"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// Storage is the resource and its subresources.
type Storage struct {
	Machine *REST
	Status  *strategy.Status
	power   *power
	// begin is what the creation of a machine begins with, before its references are looked at.
	begin genericregistry.BeginCreateFunc

	expander *expander
}

// REST is the resource.
type REST struct {
	*genericregistry.Store
	instances rest.Getter
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// NewStorage returns the storage of machines. Whoever writes one must be allowed to read what its template
// names and to make its DataVolumes, which authorizer answers. What it may refer to is in instancetypes, and
// inferrer knows what its volumes name of these. Its actions look at and shorten instances.
func NewStorage(getter generic.RESTOptionsGetter, scheme *runtime.Scheme, authorizer *reference.Authorizer,
	instancetypes expand.Source, inferrer *infer.Inferrer, instances rest.Patcher) (*Storage, error) {
	behaviour := machineStrategy{strategy.NewNamespaced(scheme), instancetypes}
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &kubevirtv1.VirtualMachine{} },
		NewListFunc:               func() runtime.Object { return &kubevirtv1.VirtualMachineList{} },
		DefaultQualifiedResource:  kubevirtv1.Resource("virtualmachines"),
		SingularQualifiedResource: kubevirtv1.Resource("virtualmachine"),
		CreateStrategy:            behaviour,
		UpdateStrategy:            behaviour,
		DeleteStrategy:            behaviour,
		ResetFieldsStrategy:       behaviour,
		TableConvertor:            newTable(),
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter}); err != nil {
		return nil, fmt.Errorf("complete store: %w", err)
	}
	status := strategy.NewStatus(store, statusStrategy{behaviour})
	switched := *store
	switched.UpdateStrategy = powerStrategy{behaviour}
	// Of the spec alone, so not of the copies above.
	store.BeginCreate, store.BeginUpdate = beginCreate(inferrer), beginUpdate(inferrer)
	return &Storage{
		Machine: &REST{Store: reference.Guard(store, authorizer, references), instances: instances},
		begin:   store.BeginCreate,
		Status:  status,
		power:   &power{machines: &switched, status: status, instances: instances},

		expander: &expander{machines: store, instancetypes: instancetypes, inferrer: inferrer, authorizer: authorizer},
	}, nil
}

// Get returns a machine.
func (s *Storage) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return s.Machine.Get(ctx, name, options)
}

// Judge says of a machine that another request is going to bring about what its own creation would: which
// references its maker must be allowed, and what is wrong with it.
func (s *Storage) Judge(ctx context.Context, vm *kubevirtv1.VirtualMachine) ([]reference.Reference, field.ErrorList, error) {
	vm = vm.DeepCopy()
	if _, err := s.begin(ctx, vm, &metav1.CreateOptions{}); err != nil {
		return nil, nil, err
	}
	behaviour := s.Machine.CreateStrategy
	behaviour.PrepareForCreate(ctx, vm)
	return references(vm), behaviour.Validate(ctx, vm), nil
}

// ShortNames implements rest.ShortNamesProvider.
func (r *REST) ShortNames() []string { return []string{"vm", "vms"} }

// Categories implements rest.CategoriesProvider.
func (r *REST) Categories() []string { return []string{"all"} }

// references returns what the controllers read and make for a machine.
func references(obj runtime.Object) []reference.Reference {
	vm, path := obj.(*kubevirtv1.VirtualMachine), field.NewPath("spec")
	found := matched(vm)
	owned := map[string]bool{}
	for i := range vm.Spec.DataVolumeTemplates {
		template, path := &vm.Spec.DataVolumeTemplates[i], path.Child("dataVolumeTemplates").Index(i)
		owned[template.ObjectMeta.Name] = true
		found = append(found, reference.Reference{
			Path: path, Verb: "create", Name: template.ObjectMeta.Name,
			Resource: cdiv1.SchemeGroupVersion.WithResource("datavolumes"),
		}.To(textOf(&template.Spec)))
		found = append(found, datavolume.References(vm.Namespace, &template.Spec, path.Child("spec"))...)
		found = append(found, datavolume.Adopted(template.ObjectMeta.Core(), path.Child("metadata"))...)
	}
	if vm.Spec.Template == nil {
		return found
	}
	for _, r := range virtualmachineinstance.References(&vm.Spec.Template.Spec, path.Child("template", "spec")) {
		// The claim of a machine's own DataVolume is the machine's; its controller uses no other of that name.
		if r.Resource.Resource != "persistentvolumeclaims" || !owned[r.Name] {
			found = append(found, r)
		}
	}
	return found
}

// textOf tells DataVolumes that are filled from one source from those of another.
func textOf(spec *cdiv1.DataVolumeSpec) string {
	text, _ := json.Marshal(spec) // which was decoded from JSON
	return string(text)
}

// matched returns the references to the instance type and the preference, also to those that were inferred.
func matched(vm *kubevirtv1.VirtualMachine) []reference.Reference {
	var found []reference.Reference
	for _, r := range expand.References(vm) {
		kind, name := r.Target()
		found = append(found, reference.Reference{
			Path: r.Field, Verb: "get", Name: name,
			Resource:      instancetypev1.SchemeGroupVersion.WithResource(strings.ToLower(kind) + "s"),
			ClusterScoped: kind == kubevirtv1.KindClusterInstancetype || kind == kubevirtv1.KindClusterPreference,
		})
	}
	return found
}

// newTable has upstream's columns, in upstream's order.
func newTable() rest.TableConvertor {
	return table.New([]metav1.TableColumnDefinition{
		table.NameColumn(),
		table.AgeColumn(),
		{Name: "Status", Type: "string", Description: "Human Readable Status"},
		{Name: "Ready", Type: "string", Description: "Whether the machine's instance is ready."},
	}, func(vm *kubevirtv1.VirtualMachine) []any {
		ready := ""
		for _, condition := range vm.Status.Conditions {
			if condition.Type == kubevirtv1.VirtualMachineReady {
				ready = string(condition.Status)
			}
		}
		return []any{vm.Name, table.Age(vm.CreationTimestamp), string(vm.Status.PrintableStatus), ready}
	})
}
