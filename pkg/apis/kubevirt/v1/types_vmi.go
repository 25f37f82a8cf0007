// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineInstance is one run of a guest, from its start to its end. Its spec is complete (defaults
// are filled in when it is made) and does not change.
type VirtualMachineInstance struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              VirtualMachineInstanceSpec `json:"spec"`
	// Status is written by the controllers and by the agent of the node that runs the instance.
	// +optional
	Status VirtualMachineInstanceStatus `json:"status,omitempty,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineInstanceList is a list of VirtualMachineInstances.
type VirtualMachineInstanceList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineInstance `json:"items"`
}

// StartStrategy changes how an instance starts.
type StartStrategy string

// StartStrategyPaused starts the guest with its processors stopped.
const StartStrategyPaused StartStrategy = "Paused"

// EvictionStrategy says what becomes of a guest when its node is to be emptied.
type EvictionStrategy string

// The eviction strategies, as upstream names them.
const (
	EvictionStrategyNone                  EvictionStrategy = "None"
	EvictionStrategyLiveMigrate           EvictionStrategy = "LiveMigrate"
	EvictionStrategyLiveMigrateIfPossible EvictionStrategy = "LiveMigrateIfPossible"
	EvictionStrategyExternal              EvictionStrategy = "External"
)

// VirtualMachineInstanceSpec describes a guest.
type VirtualMachineInstanceSpec struct {
	// Domain is the guest's hardware.
	Domain DomainSpec `json:"domain"`
	// Architecture of the guest; amd64, the default, is the one there is.
	// +optional
	Architecture *string `json:"architecture,omitempty"`
	// Hostname is the guest's name for cloud-init and DHCP; the instance's name where it is empty.
	// +optional
	Hostname *string `json:"hostname,omitempty"`
	// NodeSelector are labels that the node must have. Standalone's only node has kubernetes.io/arch,
	// kubernetes.io/hostname, kubernetes.io/os and kubevirt.io/schedulable.
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitzero"`
	// EvictionStrategy says what becomes of the guest when its node is to be emptied: None (default),
	// LiveMigrate, LiveMigrateIfPossible or External. The condition LiveMigratable says whether it could move;
	// a guest that can't, although it is to (LiveMigrate), gets a warning.
	// +optional
	EvictionStrategy *EvictionStrategy `json:"evictionStrategy,omitempty"`
	// Subdomain gives the guest the further name hostname.subdomain.namespace.
	// +optional
	Subdomain *string `json:"subdomain,omitempty"`
	// DNSPolicy is ClusterFirst where it is absent: names of guests, and then what the node resolves. Default
	// leaves out the search domains, None all that dnsConfig does not say.
	// +optional
	DNSPolicy *corev1.DNSPolicy `json:"dnsPolicy,omitempty"`
	// DNSConfig adds to what the policy gives.
	// +optional
	DNSConfig *DNSConfig `json:"dnsConfig,omitempty"`
	// StartStrategy Paused starts the guest paused.
	// +optional
	StartStrategy *StartStrategy `json:"startStrategy,omitempty"`
	// TerminationGracePeriodSeconds is how long a guest may take to power off before it is ended; 30 by default.
	// +optional
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds,omitempty"`
	// AccessCredentials are those with which users log in to the guest.
	// +optional
	// +listType=atomic
	AccessCredentials []AccessCredential `json:"accessCredentials,omitzero"`
	// LivenessProbe ends the guest when it fails; the run strategy says what comes then.
	// +optional
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// ReadinessProbe says whether the guest is Ready.
	// +optional
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// Volumes are what the disks hold, matched by name.
	// +optional
	// +listType=atomic
	Volumes []Volume `json:"volumes,omitzero"`
	// Networks are what the interfaces connect to, matched by name.
	// +optional
	// +listType=atomic
	Networks []Network `json:"networks,omitzero"`
}

// VirtualMachineInstancePhase is where an instance is in its life.
type VirtualMachineInstancePhase string

const (
	// Pending: accepted; waits for its volumes.
	Pending VirtualMachineInstancePhase = "Pending"
	// Scheduling: a launcher is on its way.
	Scheduling VirtualMachineInstancePhase = "Scheduling"
	// Scheduled: handed to the agent of status.nodeName.
	Scheduled VirtualMachineInstancePhase = "Scheduled"
	// Running: the domain runs, or is paused.
	Running VirtualMachineInstancePhase = "Running"
	// Succeeded: the guest powered itself off, or was shut down.
	Succeeded VirtualMachineInstancePhase = "Succeeded"
	// Failed: the guest crashed, or its process died.
	Failed VirtualMachineInstancePhase = "Failed"
	// Unknown: the node does not answer.
	Unknown VirtualMachineInstancePhase = "Unknown"
)

// VirtualMachineInstanceConditionType names a condition of an instance.
type VirtualMachineInstanceConditionType string

const (
	// VirtualMachineInstanceReady is True while the guest runs.
	VirtualMachineInstanceReady VirtualMachineInstanceConditionType = "Ready"
	// VirtualMachineInstanceAgentConnected is True while the guest's agent answers.
	VirtualMachineInstanceAgentConnected VirtualMachineInstanceConditionType = "AgentConnected"
	// VirtualMachineInstanceAccessCredentialsSynchronized says whether the guest's agent has set what accessCredentials want.
	VirtualMachineInstanceAccessCredentialsSynchronized VirtualMachineInstanceConditionType = "AccessCredentialsSynchronized"
	// VirtualMachineInstancePaused is True while the guest is paused.
	VirtualMachineInstancePaused VirtualMachineInstanceConditionType = "Paused"
	// VirtualMachineInstanceSynchronized is False, with the reason, when the agent could not bring the domain to what the spec says.
	VirtualMachineInstanceSynchronized VirtualMachineInstanceConditionType = "Synchronized"
	// VirtualMachineInstanceProvisioning is True while the launcher is on its way.
	VirtualMachineInstanceProvisioning VirtualMachineInstanceConditionType = "Provisioning"
	// VirtualMachineInstanceDataVolumesReady says whether all DataVolumes of the instance are filled.
	VirtualMachineInstanceDataVolumesReady VirtualMachineInstanceConditionType = "DataVolumesReady"
	// VirtualMachineInstancePodScheduled is False, with the reason, when no node can take the instance.
	VirtualMachineInstancePodScheduled VirtualMachineInstanceConditionType = "PodScheduled"
	// VirtualMachineInstanceMemoryChange is True while the guest has not taken the memory that it was given, or not given back what it is to.
	VirtualMachineInstanceMemoryChange VirtualMachineInstanceConditionType = "HotMemoryChange"
	// VirtualMachineInstanceSoftwareEmulation is True where the guest goes without what was asked for, because its node has no KVM.
	VirtualMachineInstanceSoftwareEmulation VirtualMachineInstanceConditionType = "SoftwareEmulation"
	// VirtualMachineInstanceIsMigratable says whether the guest can move to another node while it runs.
	VirtualMachineInstanceIsMigratable VirtualMachineInstanceConditionType = "LiveMigratable"
)

// VirtualMachineInstanceCondition is one aspect of an instance's state.
type VirtualMachineInstanceCondition struct {
	Type   VirtualMachineInstanceConditionType `json:"type"`
	Status corev1.ConditionStatus              `json:"status"`
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

// VirtualMachineInstancePhaseTransitionTimestamp says when a phase was entered.
type VirtualMachineInstancePhaseTransitionTimestamp struct {
	// +optional
	Phase VirtualMachineInstancePhase `json:"phase,omitempty"`
	// +optional
	PhaseTransitionTimestamp metav1.Time `json:"phaseTransitionTimestamp,omitempty"`
}

// VirtualMachineInstanceStatus is how an instance is doing.
type VirtualMachineInstanceStatus struct {
	// NodeName is the node whose agent runs the instance.
	// +optional
	NodeName string `json:"nodeName,omitempty"`
	// Reason is a CamelCase word on why the instance is in its phase.
	// +optional
	Reason string `json:"reason,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []VirtualMachineInstanceCondition `json:"conditions,omitempty"`
	// +optional
	Phase VirtualMachineInstancePhase `json:"phase,omitempty"`
	// +optional
	// +listType=atomic
	PhaseTransitionTimestamps []VirtualMachineInstancePhaseTransitionTimestamp `json:"phaseTransitionTimestamps,omitempty"`
	// +optional
	// +listType=atomic
	Interfaces []VirtualMachineInstanceNetworkInterface `json:"interfaces,omitempty"`
	// GuestOSInfo is what the guest's agent last told of the operating system.
	// +optional
	GuestOSInfo VirtualMachineInstanceGuestOSInfo `json:"guestOSInfo,omitempty,omitzero"`
	// FSFreezeStatus is frozen while the guest's file systems are frozen by a request.
	// +optional
	FSFreezeStatus string `json:"fsFreezeStatus,omitempty"`
	// +optional
	// +listType=atomic
	VolumeStatus []VolumeStatus `json:"volumeStatus,omitempty"`
	// QOSClass is the quality of service that the instance's requests and limits make, as that of a pod.
	// +optional
	QOSClass *corev1.PodQOSClass `json:"qosClass,omitempty"`
	// Machine is the machine type that the guest really has.
	// +optional
	Machine *Machine `json:"machine,omitempty"`
	// VSOCKCID is the guest's address for VSOCK on its node, as long as it runs.
	// +optional
	VSOCKCID *uint32 `json:"VSOCKCID,omitempty"`
	// +optional
	CurrentCPUTopology *CPUTopology `json:"currentCPUTopology,omitempty"`
	// +optional
	Memory *MemoryStatus `json:"memory,omitempty"`
	// KernelBootStatus tells which kernel and initrd the guest was started with.
	// +optional
	KernelBootStatus *KernelBootStatus `json:"kernelBootStatus,omitempty"`
}

// KernelBootStatus is the kernel and the initrd of a guest that has them from an image.
type KernelBootStatus struct {
	// +optional
	KernelInfo *KernelInfo `json:"kernelInfo,omitempty"`
	// +optional
	InitrdInfo *InitrdInfo `json:"initrdInfo,omitempty"`
}

// KernelInfo tells a kernel from others.
type KernelInfo struct {
	// Checksum of the file: CRC-32 (IEEE).
	// +optional
	Checksum uint32 `json:"checksum,omitempty"`
}

// InitrdInfo tells an initrd from others.
type InitrdInfo struct {
	// Checksum of the file: CRC-32 (IEEE).
	// +optional
	Checksum uint32 `json:"checksum,omitempty"`
}

// VirtualMachineInstanceNetworkInterface is an interface as it is.
type VirtualMachineInstanceNetworkInterface struct {
	// +optional
	IP string `json:"ipAddress,omitempty"`
	// +optional
	MAC string `json:"mac,omitempty"`
	// +optional
	Name string `json:"name,omitempty"`
	// +optional
	// +listType=atomic
	IPs []string `json:"ipAddresses,omitempty"`
	// InterfaceName is the name inside the guest, where the guest told it.
	// +optional
	InterfaceName string `json:"interfaceName,omitempty"`
	// InfoSource says where the facts come from: domain, guest-agent.
	// +optional
	InfoSource string `json:"infoSource,omitempty"`
	// QueueCount is how many queues the interface has.
	// +optional
	QueueCount int32 `json:"queueCount,omitempty"`
	// LinkState is up or down.
	// +optional
	LinkState string `json:"linkState,omitempty"`
}

// VolumePhase is where a volume of an instance is.
type VolumePhase string

const (
	// VolumePending: not filled, or its claim is missing.
	VolumePending VolumePhase = "Pending"
	// VolumeBound: filled and bound.
	VolumeBound VolumePhase = "Bound"
	// VolumeReady: the guest has it.
	VolumeReady VolumePhase = "Ready"
	// VolumeDetaching: the guest was asked to give it up.
	VolumeDetaching VolumePhase = "Detaching"
)

// VolumeStatus is how a volume of an instance is doing.
type VolumeStatus struct {
	Name string `json:"name"`
	// Target is the device name in the domain, such as vda.
	Target string `json:"target"`
	// +optional
	Phase VolumePhase `json:"phase,omitempty"`
	// +optional
	Reason string `json:"reason,omitempty"`
	// +optional
	Message string `json:"message,omitempty"`
	// +optional
	PersistentVolumeClaimInfo *PersistentVolumeClaimInfo `json:"persistentVolumeClaimInfo,omitempty"`
	// HotplugVolume is there for a volume that can be added and removed while the guest runs.
	// +optional
	HotplugVolume *HotplugVolumeStatus `json:"hotplugVolume,omitempty"`
	// Size in bytes.
	// +optional
	Size int64 `json:"size,omitempty"`
}

// HotplugVolumeStatus marks a volume as hot-pluggable.
type HotplugVolumeStatus struct{}

// PersistentVolumeClaimInfo is what is known of a volume's claim.
type PersistentVolumeClaimInfo struct {
	// +optional
	ClaimName string `json:"claimName,omitempty"`
	// +optional
	// +listType=atomic
	AccessModes []corev1.PersistentVolumeAccessMode `json:"accessModes,omitempty"`
	// +optional
	VolumeMode *corev1.PersistentVolumeMode `json:"volumeMode,omitempty"`
	// +optional
	Capacity corev1.ResourceList `json:"capacity,omitempty"`
	// +optional
	Requests corev1.ResourceList `json:"requests,omitempty"`
}

// CPUTopology is the guest's topology.
type CPUTopology struct {
	// +optional
	Cores uint32 `json:"cores,omitempty"`
	// +optional
	Sockets uint32 `json:"sockets,omitempty"`
	// +optional
	Threads uint32 `json:"threads,omitempty"`
}

// MemoryStatus is the guest's memory.
type MemoryStatus struct {
	// +optional
	GuestAtBoot *resource.Quantity `json:"guestAtBoot,omitempty"`
	// +optional
	GuestCurrent *resource.Quantity `json:"guestCurrent,omitempty"`
	// +optional
	GuestRequested *resource.Quantity `json:"guestRequested,omitempty"`
}

const (
	// VirtualMachineInstanceFinalizer keeps an instance until its node has ended the domain.
	VirtualMachineInstanceFinalizer = "kubevirt.io/foregroundDeleteVirtualMachine"
	// VirtualMachineControllerFinalizer keeps a machine until its instance is gone.
	VirtualMachineControllerFinalizer = "kubevirt.io/virtualMachineControllerFinalize"
	// AddedVolumesAnnotation on an instance names the volumes, with commas between, that it was given and its
	// machine's template has not.
	AddedVolumesAnnotation = "virt-apiserver.io/added-volumes"
	// VirtualMachineGenerationAnnotation on an instance is the machine's generation that it was made from.
	VirtualMachineGenerationAnnotation = "kubevirt.io/vm-generation"
	// FailFastAnnotation on an instance has it fail instead of being started. KubeVirt's functional tests set it.
	FailFastAnnotation = "kubevirt.io/func-test-virt-launcher-fail-fast"
	// NodeNameLabel on an instance names its node once it is scheduled.
	NodeNameLabel = "kubevirt.io/nodeName"
	// NodeSchedulableLabel on a node is true where it takes instances.
	NodeSchedulableLabel = "kubevirt.io/schedulable"
	// CreatedByLabel is the UID of the instance that an object was made for.
	CreatedByLabel = "kubevirt.io/created-by"
)
