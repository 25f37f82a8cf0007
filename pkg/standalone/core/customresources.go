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

// readOnly is what clients can do with definitions of custom resources: find that there are none.
type readOnly interface {
	rest.Storage
	rest.Scoper
	rest.SingularNameProvider
	rest.Getter
	rest.Lister
	rest.Watcher
}

// definitionStorage is a store into which nothing comes: its list and watch are as any other's.
type definitionStorage struct {
	readOnly
	shortNames []string
}

var _ rest.ShortNamesProvider = definitionStorage{}

// ShortNames implements rest.ShortNamesProvider.
func (s definitionStorage) ShortNames() []string { return s.shortNames }

func newDefinitionStorage(getter generic.RESTOptionsGetter, scheme *runtime.Scheme) (definitionStorage, error) {
	store, err := definitions().newStore(getter, scheme)
	return definitionStorage{readOnly: store, shortNames: definitions().shortNames}, err
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
