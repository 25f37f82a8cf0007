// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// takeSockets adds sockets, up to what the guest was started for. Guests can't be relied on to give any back.
func takeSockets(next, wanted *kubevirtv1.VirtualMachineInstanceSpec, _ *kubevirtv1.VirtualMachineInstance) {
	has, wants := next.Domain.CPU, wanted.Domain.CPU
	if has != nil && wants != nil && ptr.Deref(wants.Sockets, 0) > ptr.Deref(has.Sockets, 0) && ptr.Deref(wants.Sockets, 0) <= ptr.Deref(has.MaxSockets, 0) {
		has.Sockets = wants.Sockets
	}
}

// takeMemory lets the guest have what it was started with or more, up to what it was started for.
func takeMemory(next, wanted *kubevirtv1.VirtualMachineInstanceSpec, running *kubevirtv1.VirtualMachineInstance) {
	has, wants := next.Domain.Memory, wanted.Domain.Memory
	if has == nil || has.Guest == nil || has.MaxGuest == nil || wants == nil || wants.Guest == nil {
		return
	}
	size := wants.Guest.Value()
	if size%kubevirtv1.MemoryBlock == 0 && size >= atBoot(running) && size <= has.MaxGuest.Value() {
		has.Guest = ptr.To(*wants.Guest)
	}
}

// atBoot is the memory, in bytes, that the guest was started with. Until its node has told, that is what it is to have.
func atBoot(running *kubevirtv1.VirtualMachineInstance) int64 {
	if memory := running.Status.Memory; memory != nil && memory.GuestAtBoot != nil {
		return memory.GuestAtBoot.Value()
	}
	return running.Spec.Domain.Memory.Guest.Value()
}
