// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// object is what each kind has.
type object interface {
	runtime.Object
	metav1.Object
}

// kind is what is special about a resource. What is not set is as for most.
type kind[T object] struct {
	groupVersion  schema.GroupVersion
	resource      string
	singular      string
	shortNames    []string
	clusterScoped bool

	newObject func() T
	newList   func() runtime.Object
	columns   []metav1.TableColumnDefinition
	cells     table.Cells[T]

	// validName says what is wrong with a name.
	validName validation.ValidateNameFunc
	// prepareForCreate and prepareForUpdate set what a client does not.
	prepareForCreate func(obj T)
	prepareForUpdate func(obj, old T)
	// validate applies to whatever is stored, the others to one way to come there.
	validate       func(obj T) field.ErrorList
	validateCreate func(obj T) field.ErrorList
	validateUpdate func(obj, old T) field.ErrorList
	// ignored are the top-level fields that an update does not change.
	ignored []string

	// selectable are the fields, besides those of metadata, by which clients select.
	selectable func(obj T) fields.Set
	// ttl is how long an object lives; 0 is for ever.
	ttl time.Duration
	// noWatchCache is for what is written far more often than it is read.
	noWatchCache bool
}

// newStore returns the storage of k.
func (k kind[T]) newStore(getter generic.RESTOptionsGetter, scheme *runtime.Scheme) (*genericregistry.Store, error) {
	behaviour := k.strategy(scheme)
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return k.newObject() },
		NewListFunc:               k.newList,
		DefaultQualifiedResource:  k.groupVersion.WithResource(k.resource).GroupResource(),
		SingularQualifiedResource: k.groupVersion.WithResource(k.singular).GroupResource(),
		CreateStrategy:            behaviour,
		UpdateStrategy:            behaviour,
		DeleteStrategy:            behaviour,
		ResetFieldsStrategy:       behaviour,
		TableConvertor:            table.New(k.columns, k.cells),
	}
	if k.ttl != 0 {
		store.TTLFunc = func(runtime.Object, uint64, bool) (uint64, error) { return uint64(k.ttl.Seconds()), nil }
	}
	options, err := getter.GetRESTOptions(store.DefaultQualifiedResource, k.newObject())
	if err != nil {
		return nil, fmt.Errorf("storage options of %s: %w", k.resource, err)
	}
	if k.noWatchCache {
		options.Decorator = generic.UndecoratedStorage
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: options, AttrFunc: k.attributes}); err != nil {
		return nil, fmt.Errorf("storage of %s: %w", k.resource, err)
	}
	return store, nil
}

func (k kind[T]) attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	typed, ok := obj.(T)
	if !ok {
		return nil, nil, fmt.Errorf("select %T as one of %s", obj, k.resource)
	}
	selectable := fields.Set{"metadata.name": typed.GetName()}
	if !k.clusterScoped {
		selectable["metadata.namespace"] = typed.GetNamespace()
	}
	if k.selectable != nil {
		selectable = fields.Set(labels.Merge(labels.Set(selectable), labels.Set(k.selectable(typed))))
	}
	return typed.GetLabels(), selectable, nil
}

func (k kind[T]) strategy(scheme *runtime.Scheme) kindStrategy[T] {
	return kindStrategy[T]{Namespaced: strategy.NewNamespaced(scheme), kind: k}
}

// part returns the strategy of a subresource. keep takes over from the stored object what the subresource,
// whose fields are not in ignored, does not change.
func (k kind[T]) part(scheme *runtime.Scheme, keep func(obj, old T), validateUpdate func(obj, old T) field.ErrorList, ignored ...string) kindStrategy[T] {
	k.prepareForUpdate, k.validateUpdate, k.ignored = keep, validateUpdate, ignored
	k.validate = nil
	return k.strategy(scheme)
}

// kindStrategy is the behaviour of a kind.
type kindStrategy[T object] struct {
	strategy.Namespaced
	kind kind[T]
}

var (
	_ rest.RESTCreateStrategy  = kindStrategy[object]{}
	_ rest.RESTUpdateStrategy  = kindStrategy[object]{}
	_ rest.ResetFieldsStrategy = kindStrategy[object]{}
)

func (s kindStrategy[T]) NamespaceScoped() bool { return !s.kind.clusterScoped }

func (s kindStrategy[T]) PrepareForCreate(_ context.Context, obj runtime.Object) {
	if s.kind.prepareForCreate != nil {
		s.kind.prepareForCreate(obj.(T))
	}
}

func (s kindStrategy[T]) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	if s.kind.prepareForUpdate != nil {
		s.kind.prepareForUpdate(obj.(T), old.(T))
	}
}

func (s kindStrategy[T]) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	typed := obj.(T)
	var errs field.ErrorList
	for _, message := range s.kind.validName(typed.GetName(), false) {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), typed.GetName(), message))
	}
	for _, validate := range []func(T) field.ErrorList{s.kind.validate, s.kind.validateCreate} {
		if validate != nil {
			errs = append(errs, validate(typed)...)
		}
	}
	return errs
}

func (s kindStrategy[T]) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	var errs field.ErrorList
	if s.kind.validate != nil {
		errs = s.kind.validate(obj.(T))
	}
	if s.kind.validateUpdate != nil {
		errs = append(errs, s.kind.validateUpdate(obj.(T), old.(T))...)
	}
	return errs
}

func (s kindStrategy[T]) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields(s.kind.ignored, s.kind.groupVersion)
}
