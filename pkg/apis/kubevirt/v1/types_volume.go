// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// Volume is what a disk holds.
type Volume struct {
	Name         string `json:"name"`
	VolumeSource `json:",inline"`
}

// VolumeSource is exactly one kind of volume.
type VolumeSource struct {
	// DataVolume is a DataVolume of the same namespace; the guest starts when it is filled.
	// +optional
	DataVolume *DataVolumeSource `json:"dataVolume,omitempty"`
	// PersistentVolumeClaim is a claim of the same namespace.
	// +optional
	PersistentVolumeClaim *PersistentVolumeClaimVolumeSource `json:"persistentVolumeClaim,omitempty"`
	// CloudInitNoCloud is a seed for cloud-init's NoCloud source.
	// +optional
	CloudInitNoCloud *CloudInitSource `json:"cloudInitNoCloud,omitempty"`
	// CloudInitConfigDrive is a seed for cloud-init's ConfigDrive source.
	// +optional
	CloudInitConfigDrive *CloudInitSource `json:"cloudInitConfigDrive,omitempty"`
	// ContainerDisk is a disk in a container image; what the guest writes is gone with the instance.
	// +optional
	ContainerDisk *ContainerDiskSource `json:"containerDisk,omitempty"`
	// Ephemeral is a claim that is only read: what the guest writes is gone with the instance.
	// +optional
	Ephemeral *EphemeralVolumeSource `json:"ephemeral,omitempty"`
	// HostDisk is a file of the node, in a folder that its administrator allows.
	// +optional
	HostDisk *HostDisk `json:"hostDisk,omitempty"`
	// ConfigMap is an ISO image of a ConfigMap, each key a file, as it was when the guest started.
	// +optional
	ConfigMap *ConfigMapVolumeSource `json:"configMap,omitempty"`
	// Secret is an ISO image of a Secret, each key a file, as it was when the guest started.
	// +optional
	Secret *SecretVolumeSource `json:"secret,omitempty"`
	// DownwardAPI is an ISO image of what the instance says of itself.
	// +optional
	DownwardAPI *DownwardAPIVolumeSource `json:"downwardAPI,omitempty"`
	// Sysprep is an ISO image of answers for the setup of Windows.
	// +optional
	Sysprep *SysprepSource `json:"sysprep,omitempty"`
	// EmptyDisk is an empty disk that lives as long as the instance.
	// +optional
	EmptyDisk *EmptyDiskSource `json:"emptyDisk,omitempty"`
}

// DataVolumeSource names a DataVolume.
type DataVolumeSource struct {
	Name string `json:"name"`
	// Hotpluggable lets the volume be added to and removed from a running guest.
	// +optional
	Hotpluggable *bool `json:"hotpluggable,omitempty"`
}

// PersistentVolumeClaimVolumeSource names a claim.
type PersistentVolumeClaimVolumeSource struct {
	ClaimName string `json:"claimName"`
	// +optional
	ReadOnly *bool `json:"readOnly,omitempty"`
	// Hotpluggable lets the volume be added to and removed from a running guest.
	// +optional
	Hotpluggable *bool `json:"hotpluggable,omitempty"`
}

// CloudInitSource is user data and network data, each from at most one place.
type CloudInitSource struct {
	// UserDataSecretRef names a Secret with the key userdata or userData.
	// +optional
	UserDataSecretRef *corev1.LocalObjectReference `json:"secretRef,omitempty"`
	// +optional
	UserDataBase64 *string `json:"userDataBase64,omitempty"`
	// +optional
	UserData *string `json:"userData,omitempty"`
	// NetworkDataSecretRef names a Secret with the key networkdata or networkData.
	// +optional
	NetworkDataSecretRef *corev1.LocalObjectReference `json:"networkDataSecretRef,omitempty"`
	// +optional
	NetworkDataBase64 *string `json:"networkDataBase64,omitempty"`
	// +optional
	NetworkData *string `json:"networkData,omitempty"`
}

// ContainerDiskSource is a disk, raw or qcow2, in a container image.
type ContainerDiskSource struct {
	// Image is a reference to a registry, by tag or digest. On nodes whose administrator allows the folder
	// it may be an image on disk: oci-layout:PATH or oci-archive:PATH, with :TAG or @DIGEST where there are several.
	Image string `json:"image"`
	// ImagePullSecret names a Secret of type kubernetes.io/dockerconfigjson with the registry's credentials.
	// +optional
	ImagePullSecret *string `json:"imagePullSecret,omitempty"`
	// Path of the disk in the image; the only file in /disk where it is absent.
	// +optional
	Path *string `json:"path,omitempty"`
	// ImagePullPolicy is Always, IfNotPresent or Never. Where it is absent it is Always for an image with the
	// tag latest or none, else IfNotPresent.
	// +optional
	ImagePullPolicy *corev1.PullPolicy `json:"imagePullPolicy,omitempty"`
}

// EmptyDiskSource is an empty disk.
type EmptyDiskSource struct {
	// Capacity of the disk, rounded down to whole MiB.
	Capacity verbatim.Quantity `json:"capacity"`
}
