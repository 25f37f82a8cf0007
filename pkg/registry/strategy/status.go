// SPDX-License-Identifier: Apache-2.0

package strategy

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// StatusStrategy decides what an update of the status subresource changes.
type StatusStrategy interface {
	rest.RESTUpdateStrategy
	rest.ResetFieldsStrategy
}

// Status is the storage of a status subresource.
type Status struct {
	store    genericregistry.Store
	strategy StatusStrategy
}

var (
	_ rest.Patcher             = &Status{}
	_ rest.TableConvertor      = &Status{}
	_ rest.ResetFieldsStrategy = &Status{}
)

// NewStatus returns the status subresource of the resource that store keeps.
func NewStatus(store *genericregistry.Store, strategy StatusStrategy) *Status {
	shared := *store
	shared.UpdateStrategy = strategy
	shared.ResetFieldsStrategy = strategy
	return &Status{store: shared, strategy: strategy}
}

// New implements rest.Storage.
func (s *Status) New() runtime.Object { return s.store.New() }

// Destroy does nothing: the resource itself destroys the store.
func (s *Status) Destroy() {}

// Get implements rest.Getter.
func (s *Status) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return s.store.Get(ctx, name, options)
}

// Update implements rest.Updater. A status is never created by an update.
func (s *Status) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo, createValidation rest.ValidateObjectFunc,
	updateValidation rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return s.store.Update(ctx, name, objInfo, createValidation, updateValidation, false, options)
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (s *Status) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return s.strategy.GetResetFields()
}

// ConvertToTable implements rest.TableConvertor.
func (s *Status) ConvertToTable(ctx context.Context, object, tableOptions runtime.Object) (*metav1.Table, error) {
	return s.store.ConvertToTable(ctx, object, tableOptions)
}
