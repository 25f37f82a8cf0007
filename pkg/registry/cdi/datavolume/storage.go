// SPDX-License-Identifier: Apache-2.0

// Package datavolume stores DataVolumes. Filling them is the work of pkg/controller/datavolume.
package datavolume

import (
	"fmt"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// Storage is the resource and its subresources.
type Storage struct {
	DataVolume *REST
	Status     *strategy.Status
}

// REST is the resource.
type REST struct {
	*genericregistry.Store
}

var (
	_ rest.StandardStorage    = &REST{}
	_ rest.ShortNamesProvider = &REST{}
	_ rest.CategoriesProvider = &REST{}
)

// NewStorage returns the storage of DataVolumes. Whoever makes one must be allowed to read the Secrets and
// ConfigMaps that its source names, which authorizer answers.
func NewStorage(getter generic.RESTOptionsGetter, scheme *runtime.Scheme, authorizer *reference.Authorizer) (*Storage, error) {
	behaviour := volumeStrategy{strategy.NewNamespaced(scheme)}
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &cdiv1.DataVolume{} },
		NewListFunc:               func() runtime.Object { return &cdiv1.DataVolumeList{} },
		DefaultQualifiedResource:  cdiv1.Resource("datavolumes"),
		SingularQualifiedResource: cdiv1.Resource("datavolume"),
		CreateStrategy:            behaviour,
		UpdateStrategy:            behaviour,
		DeleteStrategy:            behaviour,
		ResetFieldsStrategy:       behaviour,
		TableConvertor:            newTable(),
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter}); err != nil {
		return nil, fmt.Errorf("complete store: %w", err)
	}
	return &Storage{
		DataVolume: &REST{reference.Guard(store, authorizer, references)},
		Status:     strategy.NewStatus(store, statusStrategy{behaviour}),
	}, nil
}

// ShortNames implements rest.ShortNamesProvider.
func (r *REST) ShortNames() []string { return []string{"dv", "dvs"} }

// Categories implements rest.CategoriesProvider.
func (r *REST) Categories() []string { return []string{"all"} }

func references(obj runtime.Object) []reference.Reference {
	dv := obj.(*cdiv1.DataVolume)
	return append(References(dv.Namespace, &dv.Spec, field.NewPath("spec")), Adopted(dv, field.NewPath("metadata"))...)
}

// References returns what a DataVolume in namespace, of that spec, which is at path, reads.
func References(namespace string, spec *cdiv1.DataVolumeSpec, path *field.Path) []reference.Reference {
	switch {
	case spec.Source == nil:
		return nil
	case spec.Source.PVC != nil:
		return []reference.Reference{cloned(namespace, spec.Source.PVC, path.Child("source", "pvc"))}
	case spec.Source.Registry != nil:
		return pulled(spec.Source.Registry, path.Child("source", "registry"))
	case spec.Source.HTTP != nil:
		return fetched(spec.Source.HTTP, path.Child("source", "http"))
	}
	return nil
}

// pulled are sent to the registry, or say whom to trust there.
func pulled(source *cdiv1.DataVolumeSourceRegistry, path *field.Path) []reference.Reference {
	repository, secret, certificates := reference.Repository(ptr.Deref(source.URL, "")), ptr.Deref(source.SecretRef, ""), ptr.Deref(source.CertConfigMap, "")
	return []reference.Reference{
		reference.Secret(path.Child("secretRef"), secret).To(repository, certificates),
		reference.ConfigMap(path.Child("certConfigMap"), certificates).To(repository),
	}
}

// fetched are sent to the server, or say whom to trust there.
func fetched(source *cdiv1.DataVolumeSourceHTTP, path *field.Path) []reference.Reference {
	server := []string{source.URL, ptr.Deref(source.CertConfigMap, ""), strconv.FormatBool(ptr.Deref(source.InsecureSkipVerify, false))}
	found := []reference.Reference{
		reference.Secret(path.Child("secretRef"), ptr.Deref(source.SecretRef, "")).To(server...),
		reference.ConfigMap(path.Child("certConfigMap"), ptr.Deref(source.CertConfigMap, "")).To(source.URL),
	}
	for i, name := range source.SecretExtraHeaders {
		found = append(found, reference.Secret(path.Child("secretExtraHeaders").Index(i), name).To(server...))
	}
	return found
}

func cloned(namespace string, source *cdiv1.DataVolumeSourcePVC, path *field.Path) reference.Reference {
	if source.Namespace == namespace {
		return reference.Claim(path.Child("name"), source.Name)
	}
	return reference.CloneSource(path.Child("namespace"), source.Namespace, source.Name)
}

// newTable has upstream's columns.
func newTable() rest.TableConvertor {
	return table.New([]metav1.TableColumnDefinition{
		table.NameColumn(),
		{Name: "Phase", Type: "string", Description: "The phase the data volume is in"},
		{Name: "Progress", Type: "string", Description: "Transfer progress in percentage if known, N/A otherwise"},
		{Name: "Restarts", Type: "integer", Description: "The number of times the transfer has been restarted."},
		table.AgeColumn(),
	}, func(dv *cdiv1.DataVolume) []any {
		return []any{dv.Name, string(dv.Status.Phase), string(dv.Status.Progress), restarts(dv), table.Age(dv.CreationTimestamp)}
	})
}

// restarts is blank before the first transfer, as upstream's column is.
func restarts(dv *cdiv1.DataVolume) any {
	if dv.Status.Phase == cdiv1.PhaseUnset {
		return ""
	}
	return strconv.Itoa(int(dv.Status.RestartCount))
}
