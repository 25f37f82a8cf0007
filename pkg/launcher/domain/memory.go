// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"k8s.io/apimachinery/pkg/api/resource"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// PageSize of the huge pages that a guest's memory is made of, in bytes; 0 where it is of usual ones.
func PageSize(memory *kubevirtv1.Memory) int64 {
	if memory == nil || memory.Hugepages == nil {
		return 0
	}
	size, err := resource.ParseQuantity(memory.Hugepages.PageSize)
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
