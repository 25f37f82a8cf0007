// SPDX-License-Identifier: Apache-2.0

package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of the actions that KubeVirt's clients call.
const GroupName = "subresources.kubevirt.io"

var (
	// SchemeGroupVersion is the preferred version.
	SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1"}
	// V1alpha3 is served with the same routes, for old clients.
	V1alpha3 = schema.GroupVersion{Group: GroupName, Version: "v1alpha3"}
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachine stands for the machine whose actions are called. It is never read or written.
type VirtualMachine struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineInstance stands for the instance whose actions are called. It is never read or written.
type VirtualMachineInstance struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Info stands for what the server tells of itself: its version, its health, its image of guestfs. It is never
// read or written.
type Info struct {
	metav1.TypeMeta `json:",inline"`
}

// GuestfsInfo names the image that virtctl guestfs runs, in KubeVirt's form. Without a registry the nodes of the
// cluster look for it where they look for any image.
type GuestfsInfo struct {
	Registry    string `json:"registry"`
	Tag         string `json:"tag"`
	Digest      string `json:"digest"`
	ImagePrefix string `json:"imagePrefix"`
	GsImage     string `json:"gsImage"`
}

// AddKnownTypes registers the kinds under gv.
func AddKnownTypes(scheme *runtime.Scheme, gv schema.GroupVersion) {
	scheme.AddKnownTypes(gv, &VirtualMachine{}, &VirtualMachineInstance{}, &Info{})
}
