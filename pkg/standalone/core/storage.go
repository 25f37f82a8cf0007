// SPDX-License-Identifier: Apache-2.0

package core

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
)

// storage is a resource that clients may also call by a short name.
type storage struct {
	*genericregistry.Store
	shortNames []string
}

var (
	_ rest.StandardStorage      = storage{}
	_ rest.ShortNamesProvider   = storage{}
	_ rest.SingularNameProvider = storage{}
)

// ShortNames implements rest.ShortNamesProvider.
func (s storage) ShortNames() []string { return s.shortNames }

func (k kind[T]) newStorage(getter generic.RESTOptionsGetter, scheme *runtime.Scheme) (storage, error) {
	store, err := k.newStore(getter, scheme)
	return storage{Store: store, shortNames: k.shortNames}, err
}
