// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// EphemeralVolumeSource names a claim that is not written.
type EphemeralVolumeSource struct {
	PersistentVolumeClaim *EphemeralClaim `json:"persistentVolumeClaim"`
}

// EphemeralClaim names a claim.
type EphemeralClaim struct {
	ClaimName string `json:"claimName"`
	// ReadOnly changes nothing: the claim is never written.
	// +optional
	ReadOnly *bool `json:"readOnly,omitempty"`
}

// HostDiskType says whether a file may be made.
type HostDiskType string

const (
	// HostDiskExists wants a file that is there.
	HostDiskExists HostDiskType = "Disk"
	// HostDiskExistsOrCreate makes the file where it is missing.
	HostDiskExistsOrCreate HostDiskType = "DiskOrCreate"
)

// HostDisk is a raw file of the node.
type HostDisk struct {
	// Path is absolute, and below a folder that the administrator of the node allows.
	Path string `json:"path"`
	// Type is Disk or DiskOrCreate.
	Type HostDiskType `json:"type"`
	// Capacity of a file that is made.
	// +optional
	Capacity *verbatim.Quantity `json:"capacity,omitempty"`
	// Shared lets several guests use the file at one time.
	// +optional
	Shared *bool `json:"shared,omitempty"`
}

// ConfigMapVolumeSource names a ConfigMap.
type ConfigMapVolumeSource struct {
	// Name of the ConfigMap.
	Name *string `json:"name,omitempty"`
	// Optional lets the guest start, with an empty image, where there is no such ConfigMap.
	// +optional
	Optional *bool `json:"optional,omitempty"`
	// VolumeLabel of the image; cfgdata where it is absent.
	// +optional
	VolumeLabel *string `json:"volumeLabel,omitempty"`
}

// SecretVolumeSource names a Secret.
type SecretVolumeSource struct {
	SecretName *string `json:"secretName,omitempty"`
	// Optional lets the guest start, with an empty image, where there is no such Secret.
	// +optional
	Optional *bool `json:"optional,omitempty"`
	// VolumeLabel of the image; cfgdata where it is absent.
	// +optional
	VolumeLabel *string `json:"volumeLabel,omitempty"`
}

// DownwardAPIVolumeSource is made of fields of the instance.
type DownwardAPIVolumeSource struct {
	// Fields are the files of the image.
	// +optional
	// +listType=atomic
	Fields []DownwardAPIVolumeFile `json:"fields,omitzero"`
	// VolumeLabel of the image; cfgdata where it is absent.
	// +optional
	VolumeLabel *string `json:"volumeLabel,omitempty"`
}

// DownwardAPIVolumeFile is a file with a field of the instance.
type DownwardAPIVolumeFile struct {
	// Path of the file, relative, without "..".
	Path string `json:"path"`
	// FieldRef is metadata.name, metadata.namespace, metadata.uid, metadata.labels, metadata.annotations, or
	// one of the last two with a key: metadata.labels['KEY'].
	FieldRef *corev1.ObjectFieldSelector `json:"fieldRef"`
}

// SysprepSource is exactly one of a ConfigMap and a Secret. It holds autounattend.xml or unattend.xml.
type SysprepSource struct {
	// +optional
	Secret *corev1.LocalObjectReference `json:"secret,omitempty"`
	// +optional
	ConfigMap *corev1.LocalObjectReference `json:"configMap,omitempty"`
}
