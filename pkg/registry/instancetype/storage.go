// SPDX-License-Identifier: Apache-2.0

package instancetype

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// Storage is the group's resources, by kind.
type Storage struct {
	kinds map[string]*REST
}

// REST is one of the resources.
type REST struct {
	*genericregistry.Store
	resource resource
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
	_ expand.Source           = &Storage{}
)

// NewStorage returns the storage of all of the group's resources.
func NewStorage(getter generic.RESTOptionsGetter, scheme *runtime.Scheme) (*Storage, error) {
	s := &Storage{kinds: map[string]*REST{}}
	for kind, resource := range resources() {
		behaviour := resourceStrategy{strategy.NewNamespaced(scheme), resource}
		store := &genericregistry.Store{
			NewFunc:                   resource.newObject,
			NewListFunc:               resource.newList,
			DefaultQualifiedResource:  instancetypev1.Resource(resource.plural()),
			SingularQualifiedResource: instancetypev1.Resource(resource.singular),
			CreateStrategy:            behaviour,
			UpdateStrategy:            behaviour,
			DeleteStrategy:            behaviour,
			TableConvertor:            newTable(),
		}
		if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter}); err != nil {
			return nil, fmt.Errorf("complete store of %s: %w", resource.plural(), err)
		}
		s.kinds[kind] = &REST{store, resource}
	}
	return s, nil
}

// Resources returns the storage of each resource, by its plural name.
func (s *Storage) Resources() map[string]rest.Storage {
	all := make(map[string]rest.Storage, len(s.kinds))
	for _, r := range s.kinds {
		all[r.resource.plural()] = r
	}
	return all
}

// ShortNames implements rest.ShortNamesProvider.
func (r *REST) ShortNames() []string { return r.resource.shortNames }

// Categories implements rest.CategoriesProvider. As upstream has it, those of the cluster are in none.
func (r *REST) Categories() []string {
	if r.resource.namespaced {
		return []string{"all"}
	}
	return nil
}

// Instancetype implements expand.Source.
func (s *Storage) Instancetype(ctx context.Context, kind, namespace, name string) (*instancetypev1.VirtualMachineInstancetypeSpec, error) {
	return specOf[instancetypev1.VirtualMachineInstancetypeSpec](ctx, s, kind, namespace, name)
}

// Preference implements expand.Source.
func (s *Storage) Preference(ctx context.Context, kind, namespace, name string) (*instancetypev1.VirtualMachinePreferenceSpec, error) {
	return specOf[instancetypev1.VirtualMachinePreferenceSpec](ctx, s, kind, namespace, name)
}

func specOf[Spec any](ctx context.Context, s *Storage, kind, namespace, name string) (*Spec, error) {
	r := s.kinds[kind]
	obj, err := r.Get(genericapirequest.WithNamespace(ctx, namespace), name, &metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		// The store names the resource of the request, which is another.
		return nil, apierrors.NewNotFound(r.DefaultQualifiedResource, name)
	}
	if err != nil {
		return nil, err
	}
	return r.resource.spec(obj).(*Spec), nil
}

// newTable has the columns of resources for which upstream has none.
func newTable() rest.TableConvertor {
	return table.New([]metav1.TableColumnDefinition{table.NameColumn(), table.AgeColumn()}, func(obj runtime.Object) []any {
		meta := obj.(metav1.Object)
		return []any{meta.GetName(), table.Age(meta.GetCreationTimestamp())}
	})
}
