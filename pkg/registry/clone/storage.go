// SPDX-License-Identifier: Apache-2.0

// Package clone stores clones of machines. Making the machines is the work of pkg/controller/clone; it has rights
// of its own, so that all that a clone reads and makes is authorised here, when the clone is written.
package clone

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// Storage is the resource and its subresource.
type Storage struct {
	Clone  *REST
	Status *strategy.Status
}

// REST is the resource.
type REST struct {
	*genericregistry.Store
	judge judge
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// NewStorage returns the storage of clones of machines.
func NewStorage(getter generic.RESTOptionsGetter, scheme *runtime.Scheme, authorizer *reference.Authorizer, machines Machines) (*Storage, error) {
	behaviour := cloneStrategy{strategy.NewNamespaced(scheme)}
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &clonev1.VirtualMachineClone{} },
		NewListFunc:               func() runtime.Object { return &clonev1.VirtualMachineCloneList{} },
		DefaultQualifiedResource:  clonev1.Resource("virtualmachineclones"),
		SingularQualifiedResource: clonev1.Resource("virtualmachineclone"),
		CreateStrategy:            behaviour,
		UpdateStrategy:            behaviour,
		DeleteStrategy:            behaviour,
		ResetFieldsStrategy:       behaviour,
		TableConvertor:            newTable(),
	}
	store.BeginCreate = noteSource(machines)
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter}); err != nil {
		return nil, fmt.Errorf("complete store: %w", err)
	}
	return &Storage{
		Clone:  &REST{store, judge{authorizer, machines}},
		Status: strategy.NewStatus(store, statusStrategy{behaviour}),
	}, nil
}

// ShortNames implements rest.ShortNamesProvider.
func (r *REST) ShortNames() []string { return []string{"vmclone", "vmclones"} }

// Categories implements rest.CategoriesProvider.
func (r *REST) Categories() []string { return []string{"all"} }

// newTable has upstream's columns, and the age. The target is named also where the clone's maker did not.
func newTable() rest.TableConvertor {
	return table.New([]metav1.TableColumnDefinition{
		table.NameColumn(),
		{Name: "Phase", Type: "string", Description: "How far the clone is."},
		{Name: "SourceVirtualMachine", Type: "string", Description: "The machine that is cloned."},
		{Name: "TargetVirtualMachine", Type: "string", Description: "The machine that is made."},
		table.AgeColumn(),
	}, func(c *clonev1.VirtualMachineClone) []any {
		source := ""
		if c.Spec.Source != nil {
			source = c.Spec.Source.Name
		}
		return []any{c.Name, string(c.Status.Phase), source, ptr.Deref(c.Status.TargetName, c.TargetName()), table.Age(c.CreationTimestamp)}
	})
}
