// SPDX-License-Identifier: Apache-2.0

package verbatim

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// VolumeResourceRequirements are the least and the most that a claim is to have.
type VolumeResourceRequirements struct {
	// Limits are the most.
	// +optional
	Limits ResourceList `json:"limits,omitzero"`
	// Requests are the least.
	// +optional
	Requests ResourceList `json:"requests,omitzero"`
}

// Size that is requested, and whether one is. A nil *VolumeResourceRequirements requests none.
func (r *VolumeResourceRequirements) Size() (Quantity, bool) {
	if r == nil {
		return Quantity{}, false
	}
	size, ok := r.Requests[corev1.ResourceStorage]
	return size, ok
}

// PersistentVolumeClaimSpec is the spec of a claim.
type PersistentVolumeClaimSpec struct {
	// +optional
	// +listType=atomic
	AccessModes []corev1.PersistentVolumeAccessMode `json:"accessModes,omitzero"`
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	// Resources.requests.storage is the size of the claim.
	// +optional
	Resources *VolumeResourceRequirements `json:"resources,omitempty"`
	// +optional
	VolumeName *string `json:"volumeName,omitempty"`
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
	// +optional
	VolumeMode *corev1.PersistentVolumeMode `json:"volumeMode,omitempty"`
	// +optional
	DataSource *corev1.TypedLocalObjectReference `json:"dataSource,omitempty"`
	// +optional
	DataSourceRef *corev1.TypedObjectReference `json:"dataSourceRef,omitempty"`
	// +optional
	VolumeAttributesClassName *string `json:"volumeAttributesClassName,omitempty"`
}

// Core is the spec as Kubernetes takes it; nil of nil.
func (s *PersistentVolumeClaimSpec) Core() *corev1.PersistentVolumeClaimSpec {
	if s == nil {
		return nil
	}
	s = s.DeepCopy()
	spec := &corev1.PersistentVolumeClaimSpec{
		AccessModes: s.AccessModes, Selector: s.Selector, VolumeName: ptr.Deref(s.VolumeName, ""),
		StorageClassName: s.StorageClassName, VolumeMode: s.VolumeMode, DataSource: s.DataSource, DataSourceRef: s.DataSourceRef,
		VolumeAttributesClassName: s.VolumeAttributesClassName,
	}
	if s.Resources != nil {
		spec.Resources = corev1.VolumeResourceRequirements{Limits: s.Resources.Limits.Amounts(), Requests: s.Resources.Requests.Amounts()}
	}
	return spec
}
