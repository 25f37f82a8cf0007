// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachine is a machine that a user owns: it says when a VirtualMachineInstance made from its
// template runs. What is computed never enters its spec.
type VirtualMachine struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// Spec is the user's alone.
	Spec VirtualMachineSpec `json:"spec"`
	// Status is written by the VM controller.
	// +optional
	Status VirtualMachineStatus `json:"status,omitempty,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineList is a list of VirtualMachines.
type VirtualMachineList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachine `json:"items"`
}

// VirtualMachineRunStrategy says when an instance of the machine runs.
type VirtualMachineRunStrategy string

const (
	// RunStrategyAlways keeps an instance running: it is made anew whenever it ends.
	RunStrategyAlways VirtualMachineRunStrategy = "Always"
	// RunStrategyHalted keeps no instance.
	RunStrategyHalted VirtualMachineRunStrategy = "Halted"
	// RunStrategyManual acts only on start, stop and restart requests.
	RunStrategyManual VirtualMachineRunStrategy = "Manual"
	// RunStrategyRerunOnFailure makes a new instance unless the last one succeeded.
	RunStrategyRerunOnFailure VirtualMachineRunStrategy = "RerunOnFailure"
	// RunStrategyOnce starts one instance and never another.
	RunStrategyOnce VirtualMachineRunStrategy = "Once"
)

// VirtualMachineSpec is what a user wants of a machine.
type VirtualMachineSpec struct {
	// Running is the old form of runStrategy: true is Always, false is Halted.
	// Exactly one of running and runStrategy is given.
	// +optional
	Running *bool `json:"running,omitempty"`
	// RunStrategy is Always, Halted, Manual, RerunOnFailure or Once.
	// +optional
	RunStrategy *VirtualMachineRunStrategy `json:"runStrategy,omitempty"`
	// Instancetype gives the machine its size, which the template then leaves open.
	// +optional
	Instancetype *InstancetypeMatcher `json:"instancetype,omitempty"`
	// Preference fills in what the template leaves open.
	// +optional
	Preference *PreferenceMatcher `json:"preference,omitempty"`
	// Template is what each instance is made from. A change takes effect at the next start.
	Template *VirtualMachineInstanceTemplateSpec `json:"template"`
	// DataVolumeTemplates are DataVolumes that the machine owns: made with it, deleted with it.
	// Each is used by a volume of the template.
	// +optional
	// +listType=atomic
	DataVolumeTemplates []DataVolumeTemplateSpec `json:"dataVolumeTemplates,omitzero"`
}

// VirtualMachineInstanceTemplateSpec is the template of an instance.
type VirtualMachineInstanceTemplateSpec struct {
	// ObjectMeta gives the instance its labels and annotations; other members are not used.
	// +optional
	ObjectMeta *verbatim.ObjectMeta `json:"metadata,omitempty"`
	// Spec is the instance's spec, before defaults.
	// +optional
	Spec VirtualMachineInstanceSpec `json:"spec,omitempty,omitzero"`
}

// DataVolumeTemplateSpec is the template of a DataVolume that a machine owns.
type DataVolumeTemplateSpec struct {
	// TypeMeta is accepted for manifests that name the kind; it is not needed.
	metav1.TypeMeta `json:",inline"`
	// ObjectMeta names the DataVolume.
	// +optional
	ObjectMeta verbatim.ObjectMeta `json:"metadata,omitzero"`
	// Spec is the DataVolume's spec.
	Spec cdiv1.DataVolumeSpec `json:"spec"`
}

// VirtualMachinePrintableStatus is the one word that says how a machine is doing.
type VirtualMachinePrintableStatus string

// The printable statuses, as upstream names them.
const (
	VirtualMachineStatusStopped                 VirtualMachinePrintableStatus = "Stopped"
	VirtualMachineStatusProvisioning            VirtualMachinePrintableStatus = "Provisioning"
	VirtualMachineStatusStarting                VirtualMachinePrintableStatus = "Starting"
	VirtualMachineStatusRunning                 VirtualMachinePrintableStatus = "Running"
	VirtualMachineStatusPaused                  VirtualMachinePrintableStatus = "Paused"
	VirtualMachineStatusStopping                VirtualMachinePrintableStatus = "Stopping"
	VirtualMachineStatusTerminating             VirtualMachinePrintableStatus = "Terminating"
	VirtualMachineStatusCrashLoopBackOff        VirtualMachinePrintableStatus = "CrashLoopBackOff"
	VirtualMachineStatusUnschedulable           VirtualMachinePrintableStatus = "ErrorUnschedulable"
	VirtualMachineStatusPvcNotFound             VirtualMachinePrintableStatus = "ErrorPvcNotFound"
	VirtualMachineStatusDataVolumeError         VirtualMachinePrintableStatus = "DataVolumeError"
	VirtualMachineStatusWaitingForVolumeBinding VirtualMachinePrintableStatus = "WaitingForVolumeBinding"
	VirtualMachineStatusErrImagePull            VirtualMachinePrintableStatus = "ErrImagePull"
	VirtualMachineStatusImagePullBackOff        VirtualMachinePrintableStatus = "ImagePullBackOff"
	VirtualMachineStatusUnknown                 VirtualMachinePrintableStatus = "Unknown"
)

// StateChangeRequestAction is Start or Stop.
type StateChangeRequestAction string

const (
	// StartRequest asks for an instance.
	StartRequest StateChangeRequestAction = "Start"
	// StopRequest asks that the instance with the request's UID ends.
	StopRequest StateChangeRequestAction = "Stop"
	// StartRequestDataPaused is the key that, set to "true", starts the instance paused.
	StartRequestDataPaused = "paused"
)

// VirtualMachineStateChangeRequest is a start or stop that is asked for and not done yet.
type VirtualMachineStateChangeRequest struct {
	// Action is Start or Stop.
	Action StateChangeRequestAction `json:"action"`
	// Data refines the action.
	// +optional
	Data map[string]string `json:"data,omitempty"`
	// UID names the instance that a Stop is for.
	// +optional
	UID *types.UID `json:"uid,omitempty"`
}

// VirtualMachineStartFailure counts starts that failed one after the other.
type VirtualMachineStartFailure struct {
	// +optional
	ConsecutiveFailCount int `json:"consecutiveFailCount,omitempty"`
	// +optional
	LastFailedVMIUID types.UID `json:"lastFailedVMIUID,omitempty"`
	// RetryAfterTimestamp is the earliest time of the next start.
	// +optional
	RetryAfterTimestamp *metav1.Time `json:"retryAfterTimestamp,omitempty"`
}

// VirtualMachineConditionType names a condition of a machine.
type VirtualMachineConditionType string

const (
	// VirtualMachineReady mirrors the instance's Ready, or is False with reason VMINotExists.
	VirtualMachineReady VirtualMachineConditionType = "Ready"
	// VirtualMachineFailure says that the controller could not act.
	VirtualMachineFailure VirtualMachineConditionType = "Failure"
	// VirtualMachinePaused is True while the guest is paused.
	VirtualMachinePaused VirtualMachineConditionType = "Paused"
	// VirtualMachineRestartRequired says that the template differs from what runs.
	VirtualMachineRestartRequired VirtualMachineConditionType = "RestartRequired"
)

// VirtualMachineCondition is one aspect of a machine's state.
type VirtualMachineCondition struct {
	Type   VirtualMachineConditionType `json:"type"`
	Status corev1.ConditionStatus      `json:"status"`
	// LastProbeTime is null; it is part of the wire form.
	// +nullable
	LastProbeTime metav1.Time `json:"lastProbeTime,omitempty"`
	// +nullable
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitempty"`
	// +optional
	Reason string `json:"reason,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
}

// VirtualMachineStatus is how a machine is doing.
type VirtualMachineStatus struct {
	// Created is true while an instance exists.
	// +optional
	Created bool `json:"created,omitempty"`
	// Ready is true while the instance is ready.
	// +optional
	Ready bool `json:"ready,omitempty"`
	// PrintableStatus sums the state up in one word.
	// +optional
	PrintableStatus VirtualMachinePrintableStatus `json:"printableStatus,omitempty"`
	// RunStrategy is the strategy that was last acted on.
	// +optional
	RunStrategy VirtualMachineRunStrategy `json:"runStrategy,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []VirtualMachineCondition `json:"conditions,omitempty"`
	// StateChangeRequests are acted on one by one, the first first.
	// +optional
	// +listType=atomic
	StateChangeRequests []VirtualMachineStateChangeRequest `json:"stateChangeRequests,omitempty"`
	// +optional
	StartFailure *VirtualMachineStartFailure `json:"startFailure,omitempty"`
	// ObservedGeneration is the generation that the running instance was made from.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// DesiredGeneration is the machine's metadata.generation.
	// +optional
	DesiredGeneration int64 `json:"desiredGeneration,omitempty"`
	// InstancetypeRef is the instance type that the machine has.
	// +optional
	InstancetypeRef *InstancetypeStatusRef `json:"instancetypeRef,omitempty"`
	// PreferenceRef is the preference that the machine has.
	// +optional
	PreferenceRef *InstancetypeStatusRef `json:"preferenceRef,omitempty"`
}
