// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// KubeVirtNamespace and KubeVirtName are where the only KubeVirt is.
	KubeVirtNamespace = "kubevirt"
	// KubeVirtName is its name.
	KubeVirtName = "kubevirt"
)

// +genclient
// +genclient:noStatus
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// KubeVirt has the settings of the whole installation. There is at most one.
type KubeVirt struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec KubeVirtSpec `json:"spec"`
	// +optional
	Status KubeVirtStatus `json:"status,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// KubeVirtList is a list of KubeVirts.
type KubeVirtList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []KubeVirt `json:"items"`
}

// KubeVirtSpec is what an administrator wants.
type KubeVirtSpec struct {
	// Configuration is in the object even where it is empty: clients patch what is below it.
	// +optional
	Configuration KubeVirtConfiguration `json:"configuration,omitempty"`
	// CertificateRotationStrategy can only be empty: certificates are renewed before they expire.
	// +optional
	CertificateRotationStrategy *KubeVirtCertificateRotateStrategy `json:"certificateRotateStrategy,omitempty"`
	// CustomizeComponents can only be empty: components are set up by their own flags and manifests.
	// +optional
	CustomizeComponents *CustomizeComponents `json:"customizeComponents,omitempty"`
	// WorkloadUpdateStrategy says what an update of the installation does with running instances: nothing.
	// +optional
	WorkloadUpdateStrategy *KubeVirtWorkloadUpdateStrategy `json:"workloadUpdateStrategy,omitempty"`
}

// KubeVirtCertificateRotateStrategy has no settings: certificates are renewed by themselves.
type KubeVirtCertificateRotateStrategy struct{}

// CustomizeComponents has no settings.
type CustomizeComponents struct{}

// KubeVirtWorkloadUpdateStrategy says what an update of the installation does with running instances.
type KubeVirtWorkloadUpdateStrategy struct {
	// WorkloadUpdateMethods can only be empty: an update disrupts no instance.
	// +listType=atomic
	// +optional
	WorkloadUpdateMethods []WorkloadUpdateMethod `json:"workloadUpdateMethods,omitzero"`
}

// WorkloadUpdateMethod is a way to move a running instance to the software of an update.
type WorkloadUpdateMethod string

// KubeVirtConfiguration has the settings of all components.
type KubeVirtConfiguration struct {
	// +optional
	DeveloperConfiguration *DeveloperConfiguration `json:"developerConfiguration,omitempty"`
	// EvictionStrategy is that of instances which have none of their own: None (default), LiveMigrate,
	// LiveMigrateIfPossible or External.
	// +optional
	EvictionStrategy *EvictionStrategy `json:"evictionStrategy,omitempty"`
}

// DeveloperConfiguration is for those who look for faults.
type DeveloperConfiguration struct {
	// +optional
	LogVerbosity *LogVerbosity `json:"logVerbosity,omitempty"`
}

// MaxLogVerbosity is the highest of what is a client of the API: above it, Kubernetes' client logs whole
// requests and answers, with the Secrets that are in them.
const MaxLogVerbosity = 7

// LogVerbosity says how much components log, from 1 to 7, and the launcher to 10. A component that is not named,
// or has 0, logs as its own flags say. Components in one process log at the highest of theirs. It applies at once.
type LogVerbosity struct {
	// +optional
	VirtAPI *int32 `json:"virtAPI,omitempty"`
	// +optional
	VirtController *int32 `json:"virtController,omitempty"`
	// +optional
	VirtHandler *int32 `json:"virtHandler,omitempty"`
	// VirtLauncher above 2 has launchers log each request.
	// +optional
	VirtLauncher *int32 `json:"virtLauncher,omitempty"`
}

// KubeVirtPhase is how far the installation is.
type KubeVirtPhase string

// KubeVirtPhaseDeployed says that it serves.
const KubeVirtPhaseDeployed KubeVirtPhase = "Deployed"

// KubeVirtConditionType is what a condition is about.
type KubeVirtConditionType string

// The conditions that clients of KubeVirt wait for.
const (
	KubeVirtConditionAvailable   KubeVirtConditionType = "Available"
	KubeVirtConditionProgressing KubeVirtConditionType = "Progressing"
	KubeVirtConditionDegraded    KubeVirtConditionType = "Degraded"
	KubeVirtConditionCreated     KubeVirtConditionType = "Created"
)

// KubeVirtCondition is one thing that is true, or not, of the installation.
type KubeVirtCondition struct {
	Type   KubeVirtConditionType  `json:"type"`
	Status corev1.ConditionStatus `json:"status"`
	// +optional
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitempty"`
	// +optional
	Reason string `json:"reason,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
}

// KubeVirtStatus is told by the server that answers, and not stored.
type KubeVirtStatus struct {
	// +optional
	Phase KubeVirtPhase `json:"phase,omitempty"`
	// Conditions hold from the moment on that the object exists: where they don't, nothing answers.
	// +listType=atomic
	// +optional
	Conditions []KubeVirtCondition `json:"conditions,omitempty"`
	// ObservedGeneration is that of the settings that apply, which are always the latest.
	// +optional
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`
	// ObservedKubeVirtVersion is what GET /apis/subresources.kubevirt.io/v1/version answers.
	// +optional
	ObservedKubeVirtVersion string `json:"observedKubeVirtVersion,omitempty"`
	// OperatorVersion is the same.
	// +optional
	OperatorVersion string `json:"operatorVersion,omitempty"`
	// TargetKubeVirtVersion is the same.
	// +optional
	TargetKubeVirtVersion string `json:"targetKubeVirtVersion,omitempty"`
}
