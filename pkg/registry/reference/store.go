// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Of returns what an object refers to.
type Of func(obj runtime.Object) []Reference

// Store keeps objects whose writers must be allowed to use what the objects refer to. All ways to write
// pass through it: an object is also created by an update, when it is applied by the server.
type Store struct {
	*genericregistry.Store
	authorizer *Authorizer
	of         Of
}

var (
	_ rest.Creater = &Store{}
	_ rest.Updater = &Store{}
)

// NewStore returns a Store that asks authorizer for what of returns.
func NewStore(store *genericregistry.Store, authorizer *Authorizer, of Of) *Store {
	return &Store{Store: store, authorizer: authorizer, of: of}
}

// Create implements rest.Creater.
func (s *Store) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	return s.Store.Create(ctx, obj, s.created(validate), options)
}

// Update implements rest.Updater.
func (s *Store) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo, createValidation rest.ValidateObjectFunc,
	updateValidation rest.ValidateObjectUpdateFunc, forceAllowCreate bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return s.Store.Update(ctx, name, objInfo, s.created(createValidation), s.updated(updateValidation), forceAllowCreate, options)
}

// created checks all references, then what next checks.
func (s *Store) created(next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		if err := s.authorizer.Check(ctx, s.DefaultQualifiedResource, obj, s.of(obj)); err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		return next(ctx, obj)
	}
}

// updated checks the references that are new, then what next checks.
func (s *Store) updated(next rest.ValidateObjectUpdateFunc) rest.ValidateObjectUpdateFunc {
	return func(ctx context.Context, obj, old runtime.Object) error {
		if err := s.authorizer.Check(ctx, s.DefaultQualifiedResource, obj, added(s.of(obj), s.of(old))); err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		return next(ctx, obj, old)
	}
}
