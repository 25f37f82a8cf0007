// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
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
	// EmptyDisk is an empty disk that lives as long as the instance.
	// +optional
	EmptyDisk *EmptyDiskSource `json:"emptyDisk,omitempty"`
}

// DataVolumeSource names a DataVolume.
type DataVolumeSource struct {
	Name string `json:"name"`
}

// PersistentVolumeClaimVolumeSource names a claim.
type PersistentVolumeClaimVolumeSource struct {
	ClaimName string `json:"claimName"`
	// +optional
	ReadOnly bool `json:"readOnly,omitempty"`
}

// CloudInitSource is user data and network data, each from at most one place.
type CloudInitSource struct {
	// UserDataSecretRef names a Secret with the key userdata or userData.
	// +optional
	UserDataSecretRef *corev1.LocalObjectReference `json:"secretRef,omitempty"`
	// +optional
	UserDataBase64 string `json:"userDataBase64,omitempty"`
	// +optional
	UserData string `json:"userData,omitempty"`
	// NetworkDataSecretRef names a Secret with the key networkdata or networkData.
	// +optional
	NetworkDataSecretRef *corev1.LocalObjectReference `json:"networkDataSecretRef,omitempty"`
	// +optional
	NetworkDataBase64 string `json:"networkDataBase64,omitempty"`
	// +optional
	NetworkData string `json:"networkData,omitempty"`
}

// EmptyDiskSource is an empty disk.
type EmptyDiskSource struct {
	// Capacity of the disk, rounded down to whole MiB.
	Capacity resource.Quantity `json:"capacity"`
}
