// SPDX-License-Identifier: Apache-2.0

// Package kubevirt stores the settings of the installation, which are one object. Acting on them is the work of
// those whom they are for: see pkg/controller/verbosity.
package kubevirt

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// REST is the resource.
type REST struct {
	*genericregistry.Store
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// NewStorage returns the storage of KubeVirts.
func NewStorage(getter generic.RESTOptionsGetter, scheme *runtime.Scheme) (*REST, error) {
	behaviour := settingsStrategy{strategy.NewNamespaced(scheme)}
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &kubevirtv1.KubeVirt{} },
		NewListFunc:               func() runtime.Object { return &kubevirtv1.KubeVirtList{} },
		DefaultQualifiedResource:  kubevirtv1.Resource("kubevirts"),
		SingularQualifiedResource: kubevirtv1.Resource("kubevirt"),
		CreateStrategy:            behaviour,
		UpdateStrategy:            behaviour,
		DeleteStrategy:            behaviour,
		ResetFieldsStrategy:       behaviour,
		Decorator:                 tellStatus,
		TableConvertor:            newTable(),
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter}); err != nil {
		return nil, fmt.Errorf("complete store: %w", err)
	}
	return &REST{store}, nil
}

// ShortNames implements rest.ShortNamesProvider.
func (r *REST) ShortNames() []string { return []string{"kv", "kvs"} }

// Categories implements rest.CategoriesProvider.
func (r *REST) Categories() []string { return []string{"all"} }

// newTable has upstream's columns, in upstream's order.
func newTable() rest.TableConvertor {
	return table.New([]metav1.TableColumnDefinition{
		table.NameColumn(),
		table.AgeColumn(),
		{Name: "Phase", Type: "string", Description: "How far the installation is."},
	}, func(kv *kubevirtv1.KubeVirt) []any {
		return []any{kv.Name, table.Age(kv.CreationTimestamp), string(kv.Status.Phase)}
	})
}
