// SPDX-License-Identifier: Apache-2.0

// Package install registers the product's API groups in a server's scheme.
//
// One Go type serves each kind in all its versions and is also its own hub (runtime.APIVersionInternal):
// server-side apply and storage need a hub, and registering the same type makes every conversion between
// them a change of the version's name. Clients need less; they use each package's AddToScheme.
package install

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	subresourcesv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/subresources/v1"
)

// Install registers all groups.
func Install(scheme *runtime.Scheme) {
	Group(scheme, kubevirtv1.AddKnownTypes, kubevirtv1.SchemeGroupVersion, kubevirtv1.V1alpha3)
	Group(scheme, cdiv1.AddKnownTypes, cdiv1.SchemeGroupVersion)
	Group(scheme, instancetypev1.AddKnownTypes, instancetypev1.SchemeGroupVersion)
	Group(scheme, clonev1.AddKnownTypes, clonev1.SchemeGroupVersion, clonev1.V1alpha1)
	Group(scheme, subresourcesv1.AddKnownTypes, subresourcesv1.SchemeGroupVersion, subresourcesv1.V1alpha3)

	for _, gv := range []schema.GroupVersion{kubevirtv1.SchemeGroupVersion, kubevirtv1.V1alpha3} {
		FieldLabels(scheme, gv.WithKind("VirtualMachineInstance"), "status.nodeName", "status.phase")
	}
}

// Group registers the same types under each version and as the hub; the first version is preferred.
func Group(scheme *runtime.Scheme, add func(*runtime.Scheme, schema.GroupVersion), versions ...schema.GroupVersion) {
	for _, gv := range versions {
		add(scheme, gv)
		metav1.AddToGroupVersion(scheme, gv)
	}
	add(scheme, schema.GroupVersion{Group: versions[0].Group, Version: runtime.APIVersionInternal})
	utilruntime.Must(scheme.SetVersionPriority(versions...))
}

// FieldLabels lets clients select kind by fields, besides by name and namespace.
func FieldLabels(scheme *runtime.Scheme, kind schema.GroupVersionKind, fields ...string) {
	known := map[string]bool{"metadata.name": true, "metadata.namespace": true}
	for _, field := range fields {
		known[field] = true
	}
	utilruntime.Must(scheme.AddFieldLabelConversionFunc(kind, func(label, value string) (string, string, error) {
		if !known[label] {
			return "", "", fmt.Errorf("field label %q is not supported for %s", label, kind.Kind)
		}
		return label, value, nil
	}))
}
