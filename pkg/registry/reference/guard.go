// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Of returns what an object refers to.
type Of func(obj runtime.Object) []Reference

// Guard returns a copy of store whose writers must be allowed to use what the objects refer to. They are asked by the
// hooks that come first, which all ways to write pass through: whatever the strategy says of an object that it looks
// up, in errors and in warnings, is for those who may read it. What the hooks of store do comes before.
func Guard(store *genericregistry.Store, authorizer *Authorizer, of Of) *genericregistry.Store {
	g := &guard{store: store, authorizer: authorizer, of: of}
	guarded := *store
	guarded.BeginCreate, guarded.BeginUpdate = g.beginCreate, g.beginUpdate
	return &guarded
}

type guard struct {
	store      *genericregistry.Store
	authorizer *Authorizer
	of         Of
}

func (g *guard) beginCreate(ctx context.Context, obj runtime.Object, options *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
	if err := ensureNamespace(ctx, obj); err != nil {
		return nil, err
	}
	finish := genericregistry.FinishFunc(nothingToFinish)
	if g.store.BeginCreate != nil {
		var err error
		if finish, err = g.store.BeginCreate(ctx, obj, options); err != nil {
			return nil, err
		}
	}
	return g.check(ctx, finish, obj, g.of(obj))
}

func (g *guard) beginUpdate(ctx context.Context, obj, old runtime.Object, options *metav1.UpdateOptions) (genericregistry.FinishFunc, error) {
	finish := genericregistry.FinishFunc(nothingToFinish)
	if g.store.BeginUpdate != nil {
		var err error
		if finish, err = g.store.BeginUpdate(ctx, obj, old, options); err != nil {
			return nil, err
		}
	}
	return g.check(ctx, finish, obj, added(g.of(obj), g.of(old)))
}

// check ends what has begun where a reference is refused.
func (g *guard) check(ctx context.Context, finish genericregistry.FinishFunc, obj runtime.Object, references []Reference) (genericregistry.FinishFunc, error) {
	if err := g.authorizer.Check(ctx, g.store.DefaultQualifiedResource, obj, references); err != nil {
		finish(ctx, false)
		return nil, err
	}
	return finish, nil
}

// ensureNamespace gives obj the namespace of the request, as the store will: what it refers to is there.
func ensureNamespace(ctx context.Context, obj runtime.Object) error {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	return rest.EnsureObjectNamespaceMatchesRequestNamespace(genericapirequest.NamespaceValue(ctx), accessor)
}

func nothingToFinish(context.Context, bool) {}
