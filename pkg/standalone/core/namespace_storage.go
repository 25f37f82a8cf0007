// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	apistorage "k8s.io/apiserver/pkg/storage"
	storeerr "k8s.io/apiserver/pkg/storage/errors"
	"k8s.io/apiserver/pkg/util/dryrun"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
)

// withoutCollections is what a store does but for the deletion of collections, which upstream does not offer
// for namespaces.
type withoutCollections interface {
	rest.Storage
	rest.Scoper
	rest.SingularNameProvider
	rest.StorageVersionProvider
	rest.Getter
	rest.Lister
	rest.Watcher
	rest.CreaterUpdater
	rest.ResetFieldsStrategy
}

// putOnly is what the subresource finalize does: it cannot be read or patched.
type putOnly interface {
	rest.Storage
	rest.Updater
	rest.ResetFieldsStrategy
}

// namespaceStorage is the storage of namespaces. One that is deleted stays, Terminating, until it is empty: its
// spec holds a finalizer, which the namespace controller takes away.
type namespaceStorage struct {
	withoutCollections
	store *genericregistry.Store
}

var (
	_ rest.GracefulDeleter    = &namespaceStorage{}
	_ rest.ShortNamesProvider = &namespaceStorage{}
)

// newNamespaceStorages returns the resource with its subresources status and finalize.
func newNamespaceStorages(getter generic.RESTOptionsGetter, scheme *runtime.Scheme) (namespace *namespaceStorage, status, finalize rest.Storage, err error) {
	kind := namespaces()
	store, err := kind.newStore(getter, scheme)
	if err != nil {
		return nil, nil, nil, err
	}
	store.ReturnDeletedObject = true
	store.ShouldDeleteDuringUpdate = func(_ context.Context, _ string, obj, _ runtime.Object) bool {
		return len(obj.(*corev1.Namespace).Spec.Finalizers) == 0
	}
	return &namespaceStorage{withoutCollections: store, store: store},
		strategy.NewStatus(store, kind.part(scheme, keepNamespaceSpec, validateNamespaceStatus, "spec")),
		struct{ putOnly }{strategy.NewStatus(store, kind.part(scheme, keepNamespaceStatus, validateFinalize, "status"))},
		nil
}

// ShortNames implements rest.ShortNamesProvider.
func (s *namespaceStorage) ShortNames() []string { return namespaces().shortNames }

// Delete implements rest.GracefulDeleter.
func (s *namespaceStorage) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	found, err := s.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, false, err
	}
	namespace := found.(*corev1.Namespace)
	if options == nil {
		options = &metav1.DeleteOptions{}
	}
	if options.Preconditions == nil {
		options.Preconditions = &metav1.Preconditions{}
	}
	// Not another one of this name, which may be made in between.
	if options.Preconditions.UID == nil {
		options.Preconditions.UID = &namespace.UID
	}
	if namespace.DeletionTimestamp.IsZero() {
		terminating, err := s.terminate(ctx, name, validate, options)
		return terminating, false, err
	}
	if len(namespace.Spec.Finalizers) > 0 {
		return namespace, false, nil
	}
	return s.store.Delete(ctx, name, validate, options)
}

// terminate marks a namespace for the controller that empties it.
func (s *namespaceStorage) terminate(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, error) {
	key, err := s.store.KeyFunc(ctx, name)
	if err != nil {
		return nil, err
	}
	preconditions := &apistorage.Preconditions{UID: options.Preconditions.UID, ResourceVersion: options.Preconditions.ResourceVersion}
	terminating := s.store.NewFunc()
	err = s.store.Storage.GuaranteedUpdate(ctx, key, terminating, false, preconditions, apistorage.SimpleUpdate(
		func(existing runtime.Object) (runtime.Object, error) {
			namespace := existing.(*corev1.Namespace)
			if err := validate(ctx, namespace); err != nil {
				return nil, err
			}
			if namespace.DeletionTimestamp.IsZero() {
				now := metav1.Now()
				namespace.DeletionTimestamp = &now
			}
			namespace.Status.Phase = corev1.NamespaceTerminating
			namespace.Finalizers = propagationFinalizers(namespace.Finalizers, options)
			return namespace, nil
		}), dryrun.IsDryRun(options.DryRun), nil)
	return terminating, s.interpret(err, name)
}

func (s *namespaceStorage) interpret(err error, name string) error {
	if err == nil {
		return nil
	}
	resource := s.store.DefaultQualifiedResource
	err = storeerr.InterpretUpdateError(storeerr.InterpretGetError(err, resource, name), resource, name)
	if _, ok := err.(apierrors.APIStatus); !ok {
		err = apierrors.NewInternalError(err)
	}
	return err
}

// propagationFinalizers adds and removes the finalizers of the garbage collector as options ask.
func propagationFinalizers(finalizers []string, options *metav1.DeleteOptions) []string {
	policy := options.PropagationPolicy
	if policy == nil {
		return finalizers
	}
	finalizers = slices.DeleteFunc(slices.Clone(finalizers), func(f string) bool {
		return f == metav1.FinalizerOrphanDependents || f == metav1.FinalizerDeleteDependents
	})
	switch *policy {
	case metav1.DeletePropagationOrphan:
		return append(finalizers, metav1.FinalizerOrphanDependents)
	case metav1.DeletePropagationForeground:
		return append(finalizers, metav1.FinalizerDeleteDependents)
	default:
		return finalizers
	}
}
