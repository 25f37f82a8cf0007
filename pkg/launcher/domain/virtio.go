// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	virtioModel       = "virtio"
	transitionalModel = "virtio-transitional"
	// maxQueues of a virtio disk.
	maxQueues = 256
)

// tuneVirtio gives the virtio devices of a domain, which is complete otherwise, what the instance wants of all
// of them. vcpus are those that it starts with.
func tuneVirtio(domain *libvirtxml.Domain, spec *kubevirtv1.DomainSpec, vcpus uint) {
	if ptr.Deref(spec.Devices.BlockMultiQueue, false) {
		queues := min(vcpus, maxQueues)
		for _, disk := range virtioDisks(domain) {
			disk.Driver.Queues = ptr.To(queues)
		}
	}
	setQueues(domain, spec, vcpus)
	assignThreads(domain, spec)
	if ptr.Deref(spec.Devices.UseVirtioTransitional, false) {
		setTransitional(domain.Devices)
	}
}

func virtioDisks(domain *libvirtxml.Domain) []*libvirtxml.DomainDisk {
	var disks []*libvirtxml.DomainDisk
	for i := range domain.Devices.Disks {
		if disk := &domain.Devices.Disks[i]; disk.Target.Bus == virtioModel {
			disks = append(disks, disk)
		}
	}
	return disks
}

// assignThreads gives the virtio disks that want one a thread of their own, and deals the others out among the
// threads before those. Threads are numbered from 1.
func assignThreads(domain *libvirtxml.Domain, spec *kubevirtv1.DomainSpec) {
	dedicated, shared := splitByThread(virtioDisks(domain), spec.Devices.Disks)
	if spec.IOThreadsPolicy == nil && len(dedicated) == 0 {
		return
	}
	own := uint(len(dedicated))
	pool := uint(1)
	if limit := threadLimit(spec); limit > own {
		pool = limit - own
	}
	pool = min(pool, uint(len(shared)))
	for i, disk := range shared {
		disk.Driver.IOThread = ptr.To(uint(i)%pool + 1)
	}
	for i, disk := range dedicated {
		disk.Driver.IOThread = ptr.To(pool + uint(i) + 1)
	}
	domain.IOThreads = pool + own
}

func splitByThread(disks []*libvirtxml.DomainDisk, specs []kubevirtv1.Disk) (dedicated, shared []*libvirtxml.DomainDisk) {
	own := map[string]bool{}
	for _, spec := range specs {
		own[Alias(spec.Name)] = ptr.Deref(spec.DedicatedIOThread, false)
	}
	for _, disk := range disks {
		if own[disk.Alias.Name] {
			dedicated = append(dedicated, disk)
		} else {
			shared = append(shared, disk)
		}
	}
	return dedicated, shared
}

// threadLimit is upstream's: of auto it is two for each processor that is requested.
func threadLimit(spec *kubevirtv1.DomainSpec) uint {
	if ptr.Deref(spec.IOThreadsPolicy, kubevirtv1.IOThreadsPolicyShared) == kubevirtv1.IOThreadsPolicyShared {
		return 1
	}
	cpus, ok := spec.Resources.Request("cpu")
	if !ok {
		cpus, _ = spec.Resources.Limit("cpu")
	}
	return 2 * uint(min(max(cpus.Value(), 1), maxVCPUs))
}

// setTransitional also names the controller of the guest agent's channel, which libvirt adds otherwise.
func setTransitional(devices *libvirtxml.DomainDeviceList) {
	for i := range devices.Disks {
		if devices.Disks[i].Target.Bus == virtioModel {
			devices.Disks[i].Model = transitionalModel
		}
	}
	for i := range devices.Interfaces {
		if model := devices.Interfaces[i].Model; model != nil && model.Type == virtioModel {
			model.Type = transitionalModel
		}
	}
	for i := range devices.RNGs {
		devices.RNGs[i].Model = transitionalModel
	}
	if devices.MemBalloon != nil && devices.MemBalloon.Model == virtioModel {
		devices.MemBalloon.Model = transitionalModel
	}
	for i := range devices.Controllers {
		if devices.Controllers[i].Type == "scsi" {
			devices.Controllers[i].Model = transitionalModel
		}
	}
	devices.Controllers = append(devices.Controllers,
		libvirtxml.DomainController{Type: "virtio-serial", Index: ptr.To[uint](0), Model: transitionalModel})
}
