// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// PageSize of the huge pages that a guest's memory is made of, in bytes; 0 where it is of usual ones.
func PageSize(memory *kubevirtv1.Memory) int64 {
	if memory == nil || memory.Hugepages == nil {
		return 0
	}
	size, err := resource.ParseQuantity(ptr.Deref(memory.Hugepages.PageSize, ""))
	if err != nil {
		return 0
	}
	return size.Value()
}

func buildMemoryBacking(memory *kubevirtv1.Memory) *libvirtxml.DomainMemoryBacking {
	size := PageSize(memory)
	if size == 0 {
		return nil
	}
	return &libvirtxml.DomainMemoryBacking{MemoryHugePages: &libvirtxml.DomainMemoryHugepages{
		Hugepages: []libvirtxml.DomainMemoryHugepage{{Size: uint(size >> 10), Unit: "KiB"}},
	}}
}

const (
	// memoryAlias names the device whose memory the running guest is given more or less of.
	memoryAlias = aliasPrefix + "memory_0"
	memoryModel = "virtio-mem"
)

// makePluggable adds the device that more memory comes from, of which the guest has nothing at first. It needs
// the guest's own memory to belong to a node.
func makePluggable(domain *libvirtxml.Domain, memory *kubevirtv1.Memory, vcpus uint) {
	if memory.MaxGuest == nil || memory.MaxGuest.Cmp(*memory.Guest) <= 0 {
		return
	}
	size := uint(memory.MaxGuest.Value() - memory.Guest.Value())
	domain.MaximumMemory = &libvirtxml.DomainMaxMemory{Value: uint(memory.MaxGuest.Value()), Unit: "b", Slots: 1}
	domain.CPU.Numa = &libvirtxml.DomainNuma{Cell: []libvirtxml.DomainCell{{
		ID: ptr.To[uint](0), CPUs: fmt.Sprintf("0-%d", vcpus-1), Memory: uint(memory.Guest.Value()), Unit: "b",
	}}}
	domain.Devices.Memorydevs = []libvirtxml.DomainMemorydev{memoryDevice(size)}
}

func memoryDevice(size uint) libvirtxml.DomainMemorydev {
	return libvirtxml.DomainMemorydev{
		Model: memoryModel,
		Alias: &libvirtxml.DomainAlias{Name: memoryAlias},
		Target: &libvirtxml.DomainMemorydevTarget{
			Size:      &libvirtxml.DomainMemorydevTargetSize{Value: size, Unit: "b"},
			Node:      &libvirtxml.DomainMemorydevTargetNode{Value: 0},
			Block:     &libvirtxml.DomainMemorydevTargetBlock{Value: kubevirtv1.MemoryBlock, Unit: "b"},
			Requested: &libvirtxml.DomainMemorydevTargetRequested{Value: 0, Unit: "b"},
		},
	}
}

// MemoryDevice is what has a running guest, of which text is the XML, be given so many bytes in all.
func MemoryDevice(text string, wanted int64) (string, error) {
	memory, err := parseMemory(text)
	if err != nil {
		return "", err
	}
	var domain libvirtxml.Domain
	if err := domain.Unmarshal(text); err != nil {
		return "", fmt.Errorf("domain: %w", err)
	}
	if memory.Pluggable == 0 || domain.Devices == nil || len(domain.Devices.Memorydevs) != 1 {
		return "", errors.New("the guest's memory can't be changed while it runs")
	}
	if wanted < memory.AtBoot || wanted > memory.AtBoot+memory.Pluggable || (wanted-memory.AtBoot)%kubevirtv1.MemoryBlock != 0 {
		return "", fmt.Errorf("%d bytes: the guest's memory can be from %d to %d bytes, in steps of 2 MiB",
			wanted, memory.AtBoot, memory.AtBoot+memory.Pluggable)
	}
	// libvirt knows it by its address.
	device := &domain.Devices.Memorydevs[0]
	device.Target.Requested = &libvirtxml.DomainMemorydevTargetRequested{Value: uint(wanted - memory.AtBoot), Unit: "b"}
	return device.Marshal()
}
