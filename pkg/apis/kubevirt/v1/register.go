// SPDX-License-Identifier: Apache-2.0

package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of virtual machines.
const GroupName = "kubevirt.io"

var (
	// SchemeGroupVersion is the version that is stored.
	SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1"}
	// V1alpha3 is served with the same types, for old manifests.
	V1alpha3 = schema.GroupVersion{Group: GroupName, Version: "v1alpha3"}

	// SchemeBuilder collects what AddToScheme adds.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)
	// AddToScheme adds the types under v1, which is what clients need.
	// The server also registers v1alpha3 and the hub; see package install.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Resource returns the group-qualified form of a resource name.
func Resource(resource string) schema.GroupResource {
	return SchemeGroupVersion.WithResource(resource).GroupResource()
}

func addKnownTypes(scheme *runtime.Scheme) error {
	AddKnownTypes(scheme, SchemeGroupVersion)
	metav1.AddToGroupVersion(scheme, SchemeGroupVersion)
	return nil
}

// AddKnownTypes registers the kinds of the group under gv.
func AddKnownTypes(scheme *runtime.Scheme, gv schema.GroupVersion) {
	scheme.AddKnownTypes(gv,
		&KubeVirt{}, &KubeVirtList{},
		&VirtualMachine{}, &VirtualMachineList{},
		&VirtualMachineInstance{}, &VirtualMachineInstanceList{},
	)
}
