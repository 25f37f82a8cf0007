// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// sparePorts are those that a machine has left for devices that are added while it runs.
const sparePorts = 4

// Plugged returns the XML of a disk that is added to a domain with those targets.
func Plugged(spec *kubevirtv1.Disk, file File, targets map[string]string) (string, error) {
	bus := kubevirtv1.DefaultLunBus
	switch {
	case spec.LUN != nil:
	case spec.Disk != nil && (ptr.Deref(spec.Disk.Bus, "") == kubevirtv1.DiskBusSCSI || ptr.Deref(spec.Disk.Bus, "") == kubevirtv1.DiskBusVirtio):
		bus = ptr.Deref(spec.Disk.Bus, "")
	default:
		return "", fmt.Errorf("disk %s: only disks on scsi or virtio, and luns, can be added to a running guest", spec.Name)
	}
	if err := checkDisks([]kubevirtv1.Disk{*spec}); err != nil {
		return "", err
	}
	disk, err := buildDisk(spec, file, freeNames(targets, bus))
	if err != nil {
		return "", err
	}
	return disk.Marshal()
}

// Alias of the disk of a volume.
func Alias(volume string) string { return aliasPrefix + volume }

// freeNames counts from the first name that no disk has.
func freeNames(targets map[string]string, bus kubevirtv1.DiskBus) targetNames {
	prefix := "sd"
	if bus == kubevirtv1.DiskBusVirtio {
		prefix = "vd"
	}
	taken := slices.Collect(maps.Values(targets))
	free := 0
	for slices.Contains(taken, prefix+letters(free)) {
		free++
	}
	return targetNames{prefix: free}
}

// addHotplug gives a domain what disks need that are added later: a controller, and ports. libvirt itself
// adds ports for the devices that the domain begins with only where there are not enough.
func addHotplug(devices *libvirtxml.DomainDeviceList, spec *kubevirtv1.Devices) {
	if ptr.Deref(spec.DisableHotplug, false) {
		return
	}
	if !slices.ContainsFunc(devices.Controllers, func(c libvirtxml.DomainController) bool { return c.Type == "scsi" }) {
		devices.Controllers = append(devices.Controllers, scsiController())
	}
	ports := uint(onPorts(devices) + sparePorts)
	devices.Controllers = append(devices.Controllers, libvirtxml.DomainController{Type: "pci", Index: ptr.To[uint](0), Model: "pcie-root"})
	for i := range ports {
		devices.Controllers = append(devices.Controllers, libvirtxml.DomainController{Type: "pci", Index: ptr.To(i + 1), Model: "pcie-root-port"})
	}
}

// onPorts counts the devices that take a port each. One that is forgotten here costs a spare port.
func onPorts(devices *libvirtxml.DomainDeviceList) int {
	count := len(devices.Interfaces) + len(devices.RNGs) + len(devices.Inputs) + len(devices.Memorydevs)
	for _, disk := range devices.Disks {
		if disk.Target.Bus == string(kubevirtv1.DiskBusVirtio) {
			count++
		}
	}
	for _, controller := range devices.Controllers {
		if controller.Model != "none" {
			count++
		}
	}
	if devices.VSock != nil {
		count++
	}
	if len(devices.Channels) > 0 {
		count++
	}
	if devices.MemBalloon != nil && devices.MemBalloon.Model != "none" {
		count++
	}
	return count
}
