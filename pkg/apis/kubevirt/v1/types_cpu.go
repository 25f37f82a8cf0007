// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// CPU is the guest's processors; their number is sockets × cores × threads.
type CPU struct {
	// Cores in each socket; 1 by default.
	// +optional
	Cores *uint32 `json:"cores,omitempty"`
	// Sockets of the guest; 1 by default. More can be added while it runs.
	// +optional
	Sockets *uint32 `json:"sockets,omitempty"`
	// MaxSockets is how many sockets the running guest may be given; by default four times as many as it starts
	// with. The total of processors is 255 at most.
	// +optional
	MaxSockets *uint32 `json:"maxSockets,omitempty"`
	// Threads in each core; 1 by default.
	// +optional
	Threads *uint32 `json:"threads,omitempty"`
	// Model is host-model (default), host-passthrough, or a name that libvirt knows.
	// +optional
	Model *string `json:"model,omitempty"`
	// Features are added to those of the model, or taken from them. Without KVM the guest has those that QEMU
	// can emulate.
	// +optional
	// +listType=atomic
	Features []CPUFeature `json:"features,omitzero"`
	// DedicatedCPUPlacement would give the guest processors of the node that nobody else has. No node sets any aside:
	// true is refused.
	// +optional
	DedicatedCPUPlacement *bool `json:"dedicatedCpuPlacement,omitempty"`
	// IsolateEmulatorThread would keep QEMU's own work from processors that are dedicated: true is refused.
	// +optional
	IsolateEmulatorThread *bool `json:"isolateEmulatorThread,omitempty"`
}

// CPUFeature is one flag of the processors.
type CPUFeature struct {
	// Name as libvirt has it, such as vmx or apic.
	Name string `json:"name"`
	// Policy is require (default), force, optional, disable or forbid.
	// +optional
	Policy *string `json:"policy,omitempty"`
}

// Memory of the guest.
type Memory struct {
	// Guest is the size that the guest sees. It can be changed while the guest runs where there is a maxGuest.
	// +optional
	Guest *verbatim.Quantity `json:"guest,omitempty"`
	// MaxGuest is how much the running guest may be given. By default it is four times the size that the guest
	// starts with, if that is 1Gi to 128Gi in whole 2Mi and not on huge pages; else there is none.
	// +optional
	MaxGuest *verbatim.Quantity `json:"maxGuest,omitempty"`
	// Hugepages have the guest's memory on huge pages of the node, which has them set aside.
	// +optional
	Hugepages *Hugepages `json:"hugepages,omitempty"`
}

// Hugepages are pages larger than usual.
type Hugepages struct {
	// PageSize is 2Mi or 1Gi.
	// +optional
	PageSize *string `json:"pageSize,omitempty"`
}
