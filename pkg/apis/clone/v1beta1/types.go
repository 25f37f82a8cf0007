// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineClone makes one machine from another, once.
type VirtualMachineClone struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// Spec does not change once the clone is made.
	Spec VirtualMachineCloneSpec `json:"spec"`
	// +optional
	Status VirtualMachineCloneStatus `json:"status,omitempty,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineCloneList is a list of clones.
type VirtualMachineCloneList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineClone `json:"items"`
}

// VirtualMachineCloneSpec says what is cloned and what is different about the clone.
type VirtualMachineCloneSpec struct {
	// Source is the machine that is cloned: apiGroup kubevirt.io, kind VirtualMachine. It is copied while it
	// does not run.
	Source *corev1.TypedLocalObjectReference `json:"source"`
	// Target is the machine that is made: apiGroup kubevirt.io, kind VirtualMachine. Where its name is absent,
	// one is made up, which is in status.targetName.
	// +optional
	Target *corev1.TypedLocalObjectReference `json:"target,omitempty"`
	// AnnotationFilters choose which annotations the clone has: regular expressions for their keys, "*" for all
	// of them, with a leading "!" for those that it does not have. Without filters it has all.
	// +optional
	// +listType=atomic
	AnnotationFilters []string `json:"annotationFilters,omitzero"`
	// LabelFilters choose which labels the clone has, as annotationFilters do.
	// +optional
	// +listType=atomic
	LabelFilters []string `json:"labelFilters,omitzero"`
	// Template chooses which labels and annotations the clone's instances have.
	// +optional
	Template *VirtualMachineCloneTemplateFilters `json:"template,omitempty"`
	// NewMacAddresses are the MAC addresses of the clone's interfaces, by the interface's name. The others get
	// addresses of their own.
	// +optional
	NewMacAddresses map[string]string `json:"newMacAddresses,omitzero"`
	// NewSMBiosSerial is the serial number that the clone's firmware reports. Without it there is none.
	// +optional
	NewSMBiosSerial *string `json:"newSMBiosSerial,omitempty"`
	// Patches are operations of JSON Patch (RFC 6902), one in each string, that are done to the clone last.
	// +optional
	// +listType=atomic
	Patches []string `json:"patches,omitzero"`
}

// VirtualMachineCloneTemplateFilters choose labels and annotations of the template.
type VirtualMachineCloneTemplateFilters struct {
	// +optional
	// +listType=atomic
	AnnotationFilters []string `json:"annotationFilters,omitzero"`
	// +optional
	// +listType=atomic
	LabelFilters []string `json:"labelFilters,omitzero"`
}

// VirtualMachineClonePhase is where a clone is in its life.
type VirtualMachineClonePhase string

// The phases that are used. Upstream takes a snapshot first.
const (
	// PhaseUnset waits for the source to stop.
	PhaseUnset VirtualMachineClonePhase = ""
	// CreatingTargetVM makes the machine.
	CreatingTargetVM VirtualMachineClonePhase = "CreatingTargetVM"
	// RestoreInProgress copies the disks.
	RestoreInProgress VirtualMachineClonePhase = "RestoreInProgress"
	Succeeded         VirtualMachineClonePhase = "Succeeded"
	Failed            VirtualMachineClonePhase = "Failed"
)

// ConditionType is Ready or Progressing.
type ConditionType string

// The conditions of a clone.
const (
	ConditionReady       ConditionType = "Ready"
	ConditionProgressing ConditionType = "Progressing"
)

// Condition is one aspect of a clone's state.
type Condition struct {
	Type   ConditionType          `json:"type"`
	Status corev1.ConditionStatus `json:"status"`
	// +optional
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitempty"`
	// +optional
	Reason string `json:"reason,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
}

// VirtualMachineCloneStatus is how a clone is doing.
type VirtualMachineCloneStatus struct {
	// CreationTime is when the copy was begun: what the source was then, the clone is.
	// +optional
	CreationTime *metav1.Time `json:"creationTime,omitempty"`
	// +optional
	Phase VirtualMachineClonePhase `json:"phase,omitempty"`
	// +optional
	// +listType=atomic
	Conditions []Condition `json:"conditions,omitempty"`
	// TargetName is the name of the machine that is made.
	// +optional
	TargetName *string `json:"targetName,omitempty"`
}
