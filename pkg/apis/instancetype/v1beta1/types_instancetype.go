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

// VirtualMachineInstancetype is a size that machines of its namespace can have.
type VirtualMachineInstancetype struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              VirtualMachineInstancetypeSpec `json:"spec"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineInstancetypeList is a list of VirtualMachineInstancetypes.
type VirtualMachineInstancetypeList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineInstancetype `json:"items"`
}

// +genclient
// +genclient:nonNamespaced
// +genclient:noStatus
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineClusterInstancetype is a size that machines of all namespaces can have.
type VirtualMachineClusterInstancetype struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              VirtualMachineInstancetypeSpec `json:"spec"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VirtualMachineClusterInstancetypeList is a list of VirtualMachineClusterInstancetypes.
type VirtualMachineClusterInstancetypeList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineClusterInstancetype `json:"items"`
}

// VirtualMachineInstancetypeSpec is a size. A machine that refers to it must leave open what it says.
type VirtualMachineInstancetypeSpec struct {
	CPU    CPUInstancetype    `json:"cpu"`
	Memory MemoryInstancetype `json:"memory"`
	// GPUs are devices that no node gives to guests: a machine with them is refused.
	// +optional
	// +listType=atomic
	GPUs []GPU `json:"gpus,omitzero"`
	// HostDevices are devices that no node gives to guests: a machine with them is refused.
	// +optional
	// +listType=atomic
	HostDevices []HostDevice `json:"hostDevices,omitzero"`
	// SchedulerName would have another scheduler than the default choose the node: a machine with one is refused.
	// +optional
	SchedulerName *string `json:"schedulerName,omitempty"`
	// LaunchSecurity would encrypt the guest's memory: a machine with it is refused.
	// +optional
	LaunchSecurity *LaunchSecurity `json:"launchSecurity,omitempty"`
	// IOThreads are for the ioThreadsPolicy supplementalPool: a machine with them is refused.
	// +optional
	IOThreads *DiskIOThreads `json:"ioThreads,omitempty"`
	// IOThreadsPolicy takes the work of virtio disks to threads of its own: shared or auto.
	// +optional
	IOThreadsPolicy *kubevirtv1.IOThreadsPolicy `json:"ioThreadsPolicy,omitempty"`
	// NodeSelector are labels that the node must have.
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitzero"`
	// Annotations that each instance gets.
	// +optional
	Annotations map[string]string `json:"annotations,omitzero"`
}

// CPUInstancetype is the processors of a size.
type CPUInstancetype struct {
	// Guest is how many processors the guest sees. How they are laid out is for the preference to say; by
	// default each is a socket.
	Guest uint32 `json:"guest"`
	// Model is host-model, host-passthrough, or a name that libvirt knows.
	// +optional
	Model *string `json:"model,omitempty"`
	// DedicatedCPUPlacement would give the guest processors of the node that nobody else has. No node sets any aside:
	// a machine with it is refused.
	// +optional
	DedicatedCPUPlacement *bool `json:"dedicatedCPUPlacement,omitempty"`
	// IsolateEmulatorThread would keep QEMU's own work from processors that are dedicated: a machine with it is refused.
	// +optional
	IsolateEmulatorThread *bool `json:"isolateEmulatorThread,omitempty"`
	// NUMA would show the guest the node's topology: a machine with it is refused.
	// +optional
	NUMA *NUMA `json:"numa,omitempty"`
	// Realtime would give processors real-time priority: a machine with it is refused.
	// +optional
	Realtime *Realtime `json:"realtime,omitempty"`
	// MaxSockets is how many sockets the running guest may be given.
	// +optional
	MaxSockets *uint32 `json:"maxSockets,omitempty"`
}

// MemoryInstancetype is the memory of a size.
type MemoryInstancetype struct {
	// Guest is the size that the guest sees. A machine with an instance type of none is refused.
	Guest verbatim.Quantity `json:"guest"`
	// Hugepages have the guest's memory on huge pages of the node, which has them set aside.
	// +optional
	Hugepages *kubevirtv1.Hugepages `json:"hugepages,omitempty"`
	// OvercommitPercent is how much less is requested of the node than the guest sees, from 0 to 100.
	// +optional
	OvercommitPercent *int64 `json:"overcommitPercent,omitempty"`
	// MaxGuest is how much the running guest may be given.
	// +optional
	MaxGuest *verbatim.Quantity `json:"maxGuest,omitempty"`
}
