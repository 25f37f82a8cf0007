// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
)

// newClaimStorages returns the storage of claims with its subresource status. A claim that names no class is
// made in the default one of classes.
func newClaimStorages(getter generic.RESTOptionsGetter, scheme *runtime.Scheme, classes rest.Lister) (storage, *strategy.Status, error) {
	kind := claims()
	claim, err := kind.newStorage(getter, scheme)
	if err != nil {
		return storage{}, nil, err
	}
	claim.BeginCreate = useDefaultClass(classes)
	status := strategy.NewStatus(claim.Store, kind.part(scheme, keepClaimSpec, validateClaimStatus, "spec"))
	return claim, status, nil
}

// useDefaultClass is a hook rather than a part of Create, which server-side apply goes round.
func useDefaultClass(classes rest.Lister) genericregistry.BeginCreateFunc {
	return func(ctx context.Context, obj runtime.Object, _ *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
		done := func(context.Context, bool) {}
		claim := obj.(*corev1.PersistentVolumeClaim)
		if claim.Spec.StorageClassName != nil {
			return done, nil
		}
		name, err := defaultClass(ctx, classes)
		claim.Spec.StorageClassName = name
		return done, err
	}
}

// defaultClass returns the name of the newest default class, or nil while there is none: the claim then waits
// for one.
func defaultClass(ctx context.Context, classes rest.Lister) (*string, error) {
	found, err := classes.List(ctx, &metainternalversion.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("look for the default storage class: %w", err)
	}
	var newest *storagev1.StorageClass
	list := found.(*storagev1.StorageClassList).Items
	for i := range list {
		class := &list[i]
		if isDefaultClass(class) && (newest == nil || newest.CreationTimestamp.Before(&class.CreationTimestamp)) {
			newest = class
		}
	}
	if newest == nil {
		return nil, nil
	}
	return &newest.Name, nil
}
