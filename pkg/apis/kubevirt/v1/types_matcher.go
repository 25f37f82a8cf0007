// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// InstancetypeMatcher refers to the instance type that gives a machine its size.
type InstancetypeMatcher struct {
	// Name of the instance type. Exactly one of name and inferFromVolume is given.
	// +optional
	Name *string `json:"name,omitempty"`
	// Kind is VirtualMachineClusterInstancetype (default) or VirtualMachineInstancetype, which is of the
	// machine's namespace. Case does not matter, and the plural is understood.
	// +optional
	Kind *string `json:"kind,omitempty"`
	// InferFromVolume is one of the template's volumes, whose claim or DataVolume names the instance type in its labels
	// instancetype.kubevirt.io/default-instancetype and default-instancetype-kind. Name and kind are then left out.
	// +optional
	InferFromVolume *string `json:"inferFromVolume,omitempty"`
	// InferFromVolumeFailurePolicy is Reject (default), which refuses a machine whose volume names none, or Ignore,
	// which lets it have none.
	// +optional
	InferFromVolumeFailurePolicy *InferFromVolumeFailurePolicy `json:"inferFromVolumeFailurePolicy,omitempty"`
}

// PreferenceMatcher refers to the preference that fills in what a machine leaves open.
type PreferenceMatcher struct {
	// Name of the preference. Exactly one of name and inferFromVolume is given.
	// +optional
	Name *string `json:"name,omitempty"`
	// Kind is VirtualMachineClusterPreference (default) or VirtualMachinePreference, which is of the machine's
	// namespace. Case does not matter, and the plural is understood.
	// +optional
	Kind *string `json:"kind,omitempty"`
	// InferFromVolume is one of the template's volumes, whose claim or DataVolume names the preference in its labels
	// instancetype.kubevirt.io/default-preference and default-preference-kind. Name and kind are then left out.
	// +optional
	InferFromVolume *string `json:"inferFromVolume,omitempty"`
	// InferFromVolumeFailurePolicy is Reject (default), which refuses a machine whose volume names none, or Ignore,
	// which lets it have none.
	// +optional
	InferFromVolumeFailurePolicy *InferFromVolumeFailurePolicy `json:"inferFromVolumeFailurePolicy,omitempty"`
}

// InferFromVolumeFailurePolicy says what becomes of a machine whose volume names no instance type or preference.
type InferFromVolumeFailurePolicy string

// The policies.
const (
	// RejectInferFromVolumeFailure refuses the machine.
	RejectInferFromVolumeFailure InferFromVolumeFailurePolicy = "Reject"
	// IgnoreInferFromVolumeFailure has the machine do without.
	IgnoreInferFromVolumeFailure InferFromVolumeFailurePolicy = "Ignore"
)

// Labels of claims and DataVolumes, which name what a machine with that volume has.
const (
	DefaultInstancetypeLabel     = "instancetype.kubevirt.io/default-instancetype"
	DefaultInstancetypeKindLabel = "instancetype.kubevirt.io/default-instancetype-kind"
	DefaultPreferenceLabel       = "instancetype.kubevirt.io/default-preference"
	DefaultPreferenceKindLabel   = "instancetype.kubevirt.io/default-preference-kind"
)

// The kinds that matchers refer to.
const (
	KindInstancetype        = "VirtualMachineInstancetype"
	KindClusterInstancetype = "VirtualMachineClusterInstancetype"
	KindPreference          = "VirtualMachinePreference"
	KindClusterPreference   = "VirtualMachineClusterPreference"
)

// ResolvedKind returns the kind that the matcher refers to, or "" where it is none. A nil matcher has none.
func (m *InstancetypeMatcher) ResolvedKind() string {
	if m == nil {
		return ""
	}
	return resolveKind(ptr.Deref(m.Kind, ""), KindClusterInstancetype, KindInstancetype)
}

// ResolvedKind returns the kind that the matcher refers to, or "" where it is none. A nil matcher has none.
func (m *PreferenceMatcher) ResolvedKind() string {
	if m == nil {
		return ""
	}
	return resolveKind(ptr.Deref(m.Kind, ""), KindClusterPreference, KindPreference)
}

// resolveKind understands what clients of KubeVirt write, of which the first kind is the default.
func resolveKind(text string, kinds ...string) string {
	if text == "" {
		return kinds[0]
	}
	for _, kind := range kinds {
		if strings.EqualFold(text, kind) || strings.EqualFold(text, kind+"s") {
			return kind
		}
	}
	return ""
}

// InstancetypeStatusRef is the instance type or preference that a machine has. It is kept as it was when the
// machine began to refer to it: what is changed in it later is for machines that are made later.
type InstancetypeStatusRef struct {
	// Name is empty where the volume names none, which the machine ignores.
	// +optional
	Name string `json:"name,omitempty"`
	// +optional
	Kind string `json:"kind,omitempty"`
	// InferFromVolume is the volume that name and kind were inferred from, when the machine began to refer to it.
	// +optional
	InferFromVolume string `json:"inferFromVolume,omitempty"`
	// InferFromVolumeFailurePolicy is the machine's at that time.
	// +optional
	InferFromVolumeFailurePolicy *InferFromVolumeFailurePolicy `json:"inferFromVolumeFailurePolicy,omitempty"`
	// Spec of the object when it was referred to. KubeVirt keeps it in a ControllerRevision.
	// +optional
	Spec *runtime.RawExtension `json:"spec,omitempty"`
}

const (
	// InstancetypeAnnotation on an instance names its VirtualMachineInstancetype.
	InstancetypeAnnotation = "kubevirt.io/instancetype-name"
	// ClusterInstancetypeAnnotation on an instance names its VirtualMachineClusterInstancetype.
	ClusterInstancetypeAnnotation = "kubevirt.io/cluster-instancetype-name"
	// PreferenceAnnotation on an instance names its VirtualMachinePreference.
	PreferenceAnnotation = "kubevirt.io/preference-name"
	// ClusterPreferenceAnnotation on an instance names its VirtualMachineClusterPreference.
	ClusterPreferenceAnnotation = "kubevirt.io/cluster-preference-name"
)
