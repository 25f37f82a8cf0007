// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// InstancetypeMatcher refers to the instance type that gives a machine its size.
type InstancetypeMatcher struct {
	Name string `json:"name"`
	// Kind is VirtualMachineClusterInstancetype (default) or VirtualMachineInstancetype, which is of the
	// machine's namespace. Case does not matter, and the plural is understood.
	// +optional
	Kind string `json:"kind,omitempty"`
}

// PreferenceMatcher refers to the preference that fills in what a machine leaves open.
type PreferenceMatcher struct {
	Name string `json:"name"`
	// Kind is VirtualMachineClusterPreference (default) or VirtualMachinePreference, which is of the machine's
	// namespace. Case does not matter, and the plural is understood.
	// +optional
	Kind string `json:"kind,omitempty"`
}

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
	return resolveKind(m.Kind, KindClusterInstancetype, KindInstancetype)
}

// ResolvedKind returns the kind that the matcher refers to, or "" where it is none. A nil matcher has none.
func (m *PreferenceMatcher) ResolvedKind() string {
	if m == nil {
		return ""
	}
	return resolveKind(m.Kind, KindClusterPreference, KindPreference)
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
	// +optional
	Name string `json:"name,omitempty"`
	// +optional
	Kind string `json:"kind,omitempty"`
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
