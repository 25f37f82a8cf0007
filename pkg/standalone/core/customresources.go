// SPDX-License-Identifier: Apache-2.0

package core

import (
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core/apiextensions"
)

// readOnly is what clients can do with what is not theirs to write.
type readOnly interface {
	rest.Storage
	rest.Scoper
	rest.SingularNameProvider
	rest.Getter
	rest.Lister
	rest.Watcher
}

// readOnlyStorage is a store into which nothing comes from clients: its list and watch are as any other's.
type readOnlyStorage struct {
	readOnly
	shortNames []string
}

var _ rest.ShortNamesProvider = readOnlyStorage{}

// ShortNames implements rest.ShortNamesProvider.
func (s readOnlyStorage) ShortNames() []string { return s.shortNames }

func newDefinitionStorage(getter generic.RESTOptionsGetter, scheme *runtime.Scheme) (readOnlyStorage, error) {
	store, err := definitions().newStore(getter, scheme)
	return readOnlyStorage{readOnly: store, shortNames: definitions().shortNames}, err
}

func definitions() kind[*apiextensions.CustomResourceDefinition] {
	return kind[*apiextensions.CustomResourceDefinition]{
		groupVersion:  apiextensions.SchemeGroupVersion,
		resource:      "customresourcedefinitions",
		singular:      "customresourcedefinition",
		shortNames:    []string{"crd", "crds"},
		clusterScoped: true,
		newObject: func() *apiextensions.CustomResourceDefinition {
			return &apiextensions.CustomResourceDefinition{}
		},
		newList:      func() runtime.Object { return &apiextensions.CustomResourceDefinitionList{} },
		validName:    validation.NameIsDNSSubdomain,
		noWatchCache: true,
		columns: []metav1.TableColumnDefinition{
			table.NameColumn(),
			{Name: "Created At", Type: "date", Description: "When it was created."},
		},
		cells: func(definition *apiextensions.CustomResourceDefinition) []any {
			return []any{definition.Name, definition.CreationTimestamp.UTC()}
		},
	}
}
