// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"slices"

	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// withAddedVolumes is wanted with the volumes that the running instance alone has: they are nobody's wish but its own.
func withAddedVolumes(running *kubevirtv1.VirtualMachineInstance, wanted *kubevirtv1.VirtualMachineInstanceSpec) *kubevirtv1.VirtualMachineInstanceSpec {
	has, wants := disksOf(&running.Spec), disksOf(wanted)
	next := wanted
	for _, name := range running.AddedVolumes() {
		added, there := has[name]
		if !there || added.disk == nil || wants.contains(name) {
			continue
		}
		if next == wanted {
			next = wanted.DeepCopy()
		}
		next.Volumes = append(next.Volumes, *added.volume)
		next.Domain.Devices.Disks = append(next.Domain.Devices.Disks, *added.disk)
	}
	return next
}

// takeVolumes adds and removes hot-pluggable volumes with their disks. One that has changed under its name,
// and every other volume, stays as it is.
func takeVolumes(next, wanted *kubevirtv1.VirtualMachineInstanceSpec, _ *kubevirtv1.VirtualMachineInstance) {
	has := disksOf(next)
	wants := disksOf(wanted)
	for name, disk := range has {
		if _, stays := wants[name]; !stays && disk.takesHotplug(next) {
			delete(has, name)
			next.Volumes = slices.DeleteFunc(next.Volumes, func(v kubevirtv1.Volume) bool { return v.Name == name })
			next.Domain.Devices.Disks = slices.DeleteFunc(next.Domain.Devices.Disks, func(d kubevirtv1.Disk) bool { return d.Name == name })
		}
	}
	for i := range wanted.Volumes {
		volume := &wanted.Volumes[i]
		if disk := wants[volume.Name]; !has.contains(volume.Name) && disk.takesHotplug(next) {
			next.Volumes = append(next.Volumes, *volume.DeepCopy())
			next.Domain.Devices.Disks = append(next.Domain.Devices.Disks, *disk.disk.DeepCopy())
		}
	}
	// The order means nothing to a guest that runs.
	if sameVolumes(next, wanted) {
		next.Volumes = wanted.DeepCopy().Volumes
		next.Domain.Devices.Disks = wanted.DeepCopy().Domain.Devices.Disks
	}
}

// shown is a volume with its disk, if it has one.
type shown struct {
	volume *kubevirtv1.Volume
	disk   *kubevirtv1.Disk
}

type shownVolumes map[string]shown

func (s shownVolumes) contains(name string) bool { _, ok := s[name]; return ok }

func disksOf(spec *kubevirtv1.VirtualMachineInstanceSpec) shownVolumes {
	found := shownVolumes{}
	for i := range spec.Volumes {
		found[spec.Volumes[i].Name] = shown{volume: spec.Volumes[i].DeepCopy()}
	}
	for i := range spec.Domain.Devices.Disks {
		disk := &spec.Domain.Devices.Disks[i]
		if s, ok := found[disk.Name]; ok {
			found[disk.Name] = shown{volume: s.volume, disk: disk.DeepCopy()}
		}
	}
	return found
}

// takesHotplug says whether the disk can come and go while a guest of that spec runs.
func (s shown) takesHotplug(spec *kubevirtv1.VirtualMachineInstanceSpec) bool {
	if s.disk == nil || s.disk.BootOrder != nil || ptr.Deref(spec.Domain.Devices.DisableHotplug, false) {
		return false
	}
	if s.disk.LUN != nil {
		return s.volume.IsHotpluggable()
	}
	if s.disk.Disk == nil || ptr.Deref(s.disk.Disk.PciAddress, "") != "" {
		return false
	}
	bus := ptr.Deref(s.disk.Disk.Bus, "")
	return s.volume.IsHotpluggable() && (bus == kubevirtv1.DiskBusSCSI || bus == kubevirtv1.DiskBusVirtio)
}

func sameVolumes(a, b *kubevirtv1.VirtualMachineInstanceSpec) bool {
	inA, inB := disksOf(a), disksOf(b)
	if len(inA) != len(inB) || len(a.Volumes) != len(b.Volumes) || len(a.Domain.Devices.Disks) != len(b.Domain.Devices.Disks) {
		return false
	}
	for name, one := range inA {
		other, ok := inB[name]
		if !ok || !verbatim.Equal(one.volume, other.volume) || !verbatim.Equal(one.disk, other.disk) {
			return false
		}
	}
	return true
}
