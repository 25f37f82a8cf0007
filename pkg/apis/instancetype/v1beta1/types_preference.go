// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// +genclient
// +genclient:noStatus
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachinePreference is what machines of its namespace have where they leave it open.
type VirtualMachinePreference struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              VirtualMachinePreferenceSpec `json:"spec"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachinePreferenceList is a list of VirtualMachinePreferences.
type VirtualMachinePreferenceList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachinePreference `json:"items"`
}

// +genclient
// +genclient:nonNamespaced
// +genclient:noStatus
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineClusterPreference is what machines of all namespaces have where they leave it open.
type VirtualMachineClusterPreference struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              VirtualMachinePreferenceSpec `json:"spec"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineClusterPreferenceList is a list of VirtualMachineClusterPreferences.
type VirtualMachineClusterPreferenceList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineClusterPreference `json:"items"`
}

// VirtualMachinePreferenceSpec is what a machine has where it leaves it open, and what it needs at least.
type VirtualMachinePreferenceSpec struct {
	// +optional
	Clock *ClockPreferences `json:"clock,omitempty"`
	// +optional
	CPU *CPUPreferences `json:"cpu,omitempty"`
	// +optional
	Devices *DevicePreferences `json:"devices,omitempty"`
	// +optional
	Features *FeaturePreferences `json:"features,omitempty"`
	// +optional
	Firmware *FirmwarePreferences `json:"firmware,omitempty"`
	// +optional
	Machine *MachinePreferences `json:"machine,omitempty"`
	// +optional
	Volumes *VolumePreferences `json:"volumes,omitempty"`
	// +optional
	PreferredTerminationGracePeriodSeconds *int64 `json:"preferredTerminationGracePeriodSeconds,omitempty"`
	// PreferredSubdomain gives the guest the further name hostname.subdomain.namespace.
	// +optional
	PreferredSubdomain *string `json:"preferredSubdomain,omitempty"`
	// PreferredLaunchSecurity would encrypt the guest's memory: a machine with it is refused.
	// +optional
	PreferredLaunchSecurity *LaunchSecurity `json:"preferredLaunchSecurity,omitempty"`
	// PreferredArchitecture is that of the guest. Nodes run amd64: a machine that prefers another is refused, unless it
	// names amd64 itself.
	// +optional
	PreferredArchitecture *string `json:"preferredArchitecture,omitempty"`
	// Requirements are what a machine needs; one that has less is refused.
	// +optional
	Requirements *PreferenceRequirements `json:"requirements,omitempty"`
	// Annotations that each instance gets where the machine's template does not set them.
	// +optional
	Annotations map[string]string `json:"annotations,omitzero"`
	// PreferSpreadSocketToCoreRatio is the old form of cpu.spreadOptions.ratio.
	// +optional
	PreferSpreadSocketToCoreRatio *uint32 `json:"preferSpreadSocketToCoreRatio,omitempty"`
}

// PreferredCPUTopology is what an instance type's processors are laid out as.
type PreferredCPUTopology string

// The topologies.
const (
	// Sockets has a socket for each processor.
	Sockets PreferredCPUTopology = "sockets"
	// Cores has one socket with a core for each.
	Cores PreferredCPUTopology = "cores"
	// Threads has one core with a thread for each.
	Threads PreferredCPUTopology = "threads"
	// Spread goes by the spread options.
	Spread PreferredCPUTopology = "spread"
	// Any is sockets.
	Any PreferredCPUTopology = "any"
)

// The old names of the topologies.
const (
	DeprecatedPreferSockets PreferredCPUTopology = "preferSockets"
	DeprecatedPreferCores   PreferredCPUTopology = "preferCores"
	DeprecatedPreferThreads PreferredCPUTopology = "preferThreads"
	DeprecatedPreferSpread  PreferredCPUTopology = "preferSpread"
	DeprecatedPreferAny     PreferredCPUTopology = "preferAny"
)

// CPUPreferences are about processors.
type CPUPreferences struct {
	// PreferredCPUTopology is sockets (default), cores, threads, spread or any.
	// +optional
	PreferredCPUTopology *PreferredCPUTopology `json:"preferredCPUTopology,omitempty"`
	// SpreadOptions are for the topology spread.
	// +optional
	SpreadOptions *SpreadOptions `json:"spreadOptions,omitempty"`
	// PreferredCPUFeatures are added to those of the machine.
	// +optional
	// +listType=atomic
	PreferredCPUFeatures []kubevirtv1.CPUFeature `json:"preferredCPUFeatures,omitzero"`
}

// SpreadAcross is what processors are spread across.
type SpreadAcross string

// What processors can be spread across.
const (
	// SpreadAcrossSocketsCores has as many cores in a socket as the ratio says.
	SpreadAcrossSocketsCores SpreadAcross = "SocketsCores"
	// SpreadAcrossSocketsCoresThreads does so with two threads in each core.
	SpreadAcrossSocketsCoresThreads SpreadAcross = "SocketsCoresThreads"
	// SpreadAcrossCoresThreads has one socket, and two threads in each core.
	SpreadAcrossCoresThreads SpreadAcross = "CoresThreads"
)

// SpreadOptions say how processors are spread.
type SpreadOptions struct {
	// Across is SocketsCores where it is absent.
	// +optional
	Across *SpreadAcross `json:"across,omitempty"`
	// Ratio is 2 where it is absent.
	// +optional
	Ratio *uint32 `json:"ratio,omitempty"`
}

// ClockPreferences are about the clock.
type ClockPreferences struct {
	// +optional
	PreferredClockOffset *kubevirtv1.ClockOffset `json:"preferredClockOffset,omitempty"`
	// +optional
	PreferredTimer *kubevirtv1.Timer `json:"preferredTimer,omitempty"`
}

// FeaturePreferences are about the machine's features.
type FeaturePreferences struct {
	// +optional
	PreferredAcpi *kubevirtv1.FeatureState `json:"preferredAcpi,omitempty"`
	// +optional
	PreferredApic *kubevirtv1.FeatureAPIC `json:"preferredApic,omitempty"`
	// +optional
	PreferredHyperv *kubevirtv1.FeatureHyperv `json:"preferredHyperv,omitempty"`
	// +optional
	PreferredKvm *kubevirtv1.FeatureKVM `json:"preferredKvm,omitempty"`
	// +optional
	PreferredPvspinlock *kubevirtv1.FeatureState `json:"preferredPvspinlock,omitempty"`
	// +optional
	PreferredSmm *kubevirtv1.FeatureState `json:"preferredSmm,omitempty"`
}

// FirmwarePreferences are for machines that say neither BIOS nor EFI.
type FirmwarePreferences struct {
	// +optional
	PreferredUseBios *bool `json:"preferredUseBios,omitempty"`
	// PreferredUseBiosSerial is for machines with a BIOS.
	// +optional
	PreferredUseBiosSerial *bool `json:"preferredUseBiosSerial,omitempty"`
	// PreferredEfi gives EFI, with these settings.
	// +optional
	PreferredEfi *kubevirtv1.EFI `json:"preferredEfi,omitempty"`
	// DeprecatedPreferredUseEfi is the old form of preferredEfi.
	// +optional
	DeprecatedPreferredUseEfi *bool `json:"preferredUseEfi,omitempty"`
	// DeprecatedPreferredUseSecureBoot is the old form of preferredEfi.secureBoot.
	// +optional
	DeprecatedPreferredUseSecureBoot *bool `json:"preferredUseSecureBoot,omitempty"`
}

// MachinePreferences are about the emulated machine.
type MachinePreferences struct {
	// PreferredMachineType is q35 or a versioned pc-q35 name.
	// +optional
	PreferredMachineType *string `json:"preferredMachineType,omitempty"`
}

// VolumePreferences are about the machine's own DataVolumes.
type VolumePreferences struct {
	// PreferredStorageClassName is for DataVolume templates that name none.
	// +optional
	PreferredStorageClassName *string `json:"preferredStorageClassName,omitempty"`
}

// PreferenceRequirements are what a machine needs.
type PreferenceRequirements struct {
	// +optional
	CPU *CPUPreferenceRequirement `json:"cpu,omitempty"`
	// +optional
	Memory *MemoryPreferenceRequirement `json:"memory,omitempty"`
	// Architecture that the guest must have.
	// +optional
	Architecture *string `json:"architecture,omitempty"`
}

// CPUPreferenceRequirement is the least number of processors.
type CPUPreferenceRequirement struct {
	Guest uint32 `json:"guest"`
}

// MemoryPreferenceRequirement is the least memory.
type MemoryPreferenceRequirement struct {
	Guest verbatim.Quantity `json:"guest"`
}
