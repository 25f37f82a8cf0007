// SPDX-License-Identifier: Apache-2.0

package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
}

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

// LogVerbosity says how much components log, from 1 to 10. A component that is not named, or has 0, logs as
// its own flags say. Components in one process log at the highest of theirs. It applies at once.
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

// KubeVirtStatus is told by the server that answers, and not stored.
type KubeVirtStatus struct {
	// +optional
	Phase KubeVirtPhase `json:"phase,omitempty"`
	// ObservedKubeVirtVersion is what GET /apis/subresources.kubevirt.io/v1/version answers.
	// +optional
	ObservedKubeVirtVersion string `json:"observedKubeVirtVersion,omitempty"`
}
