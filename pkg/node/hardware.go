// SPDX-License-Identifier: Apache-2.0

package node

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// setHardware tells what the guest has, which may be less than what its spec says.
func setHardware(status *kubevirtv1.VirtualMachineInstanceStatus, spec *kubevirtv1.DomainSpec, domain *api.DomainStatus) {
	if cpu := spec.CPU; cpu != nil {
		topology := &kubevirtv1.CPUTopology{Cores: ptr.Deref(cpu.Cores, 0), Sockets: ptr.Deref(cpu.Sockets, 0), Threads: ptr.Deref(cpu.Threads, 0)}
		if each := uint(ptr.Deref(cpu.Cores, 0)) * uint(ptr.Deref(cpu.Threads, 0)); each != 0 && domain.VCPUs != 0 {
			topology.Sockets = uint32(domain.VCPUs / each)
		}
		status.CurrentCPUTopology = topology
	}
	status.KernelBootStatus = kernelBootStatus(domain.Boot)
	if domain.VSOCKCID != 0 {
		status.VSOCKCID = &domain.VSOCKCID
	}
	memory := &domain.Memory
	switch {
	case memory.AtBoot != 0:
		status.Memory = &kubevirtv1.MemoryStatus{
			GuestAtBoot: inBytes(memory.AtBoot), GuestCurrent: inBytes(memory.Current), GuestRequested: inBytes(memory.Requested),
		}
	case spec.Memory != nil && spec.Memory.Guest != nil && status.Memory == nil:
		guest := ptr.To(spec.Memory.Guest.Amount())
		status.Memory = &kubevirtv1.MemoryStatus{GuestAtBoot: guest, GuestCurrent: guest, GuestRequested: guest}
	}
}

func kernelBootStatus(sums *api.BootSums) *kubevirtv1.KernelBootStatus {
	if sums == nil {
		return nil
	}
	status := &kubevirtv1.KernelBootStatus{KernelInfo: &kubevirtv1.KernelInfo{Checksum: sums.Kernel}}
	if sums.Initrd != nil {
		status.InitrdInfo = &kubevirtv1.InitrdInfo{Checksum: *sums.Initrd}
	}
	return status
}

func inBytes(size int64) *resource.Quantity { return resource.NewQuantity(size, resource.BinarySI) }

// setHotMemory says that the guest has yet to take memory, or to give it back.
func (a *Agent) setHotMemory(status *kubevirtv1.VirtualMachineInstanceStatus) {
	memory := status.Memory
	if memory == nil || memory.GuestCurrent.Cmp(*memory.GuestRequested) == 0 {
		removeCondition(status, kubevirtv1.VirtualMachineInstanceMemoryChange)
		return
	}
	a.setCondition(status, kubevirtv1.VirtualMachineInstanceMemoryChange, corev1.ConditionTrue, reasonMemoryChanging,
		"the guest is to have "+memory.GuestRequested.String()+" of memory; status.memory.guestCurrent is what it has")
}
