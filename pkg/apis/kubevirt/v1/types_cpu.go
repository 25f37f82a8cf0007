// SPDX-License-Identifier: Apache-2.0

package v1

import "k8s.io/apimachinery/pkg/api/resource"

// CPU is the guest's processors; their number is sockets × cores × threads.
type CPU struct {
	// Cores in each socket; 1 by default.
	// +optional
	Cores uint32 `json:"cores,omitempty"`
	// Sockets of the guest; 1 by default.
	// +optional
	Sockets uint32 `json:"sockets,omitempty"`
	// Threads in each core; 1 by default.
	// +optional
	Threads uint32 `json:"threads,omitempty"`
	// Model is host-model (default), host-passthrough, or a name that libvirt knows.
	// +optional
	Model string `json:"model,omitempty"`
	// Features are added to those of the model, or taken from them. Without KVM the guest has those that QEMU
	// can emulate.
	// +optional
	// +listType=atomic
	Features []CPUFeature `json:"features,omitempty"`
}

// CPUFeature is one flag of the processors.
type CPUFeature struct {
	// Name as libvirt has it, such as vmx or apic.
	Name string `json:"name"`
	// Policy is require (default), force, optional, disable or forbid.
	// +optional
	Policy string `json:"policy,omitempty"`
}

// Memory of the guest.
type Memory struct {
	// Guest is the size that the guest sees.
	// +optional
	Guest *resource.Quantity `json:"guest,omitempty"`
	// Hugepages have the guest's memory on huge pages of the node, which has them set aside.
	// +optional
	Hugepages *Hugepages `json:"hugepages,omitempty"`
}

// Hugepages are pages larger than usual.
type Hugepages struct {
	// PageSize is 2Mi or 1Gi.
	// +optional
	PageSize string `json:"pageSize,omitempty"`
}
