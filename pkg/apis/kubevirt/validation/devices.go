// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

var (
	diskBuses  = []kubevirtv1.DiskBus{kubevirtv1.DiskBusVirtio, kubevirtv1.DiskBusSATA, kubevirtv1.DiskBusSCSI, kubevirtv1.DiskBusUSB}
	cdromBuses = []kubevirtv1.DiskBus{kubevirtv1.DiskBusSATA, kubevirtv1.DiskBusSCSI, kubevirtv1.DiskBusUSB}
	diskCaches = []kubevirtv1.DriverCache{kubevirtv1.CacheNone, kubevirtv1.CacheWriteThrough, kubevirtv1.CacheWriteBack}
	trayStates = []kubevirtv1.TrayState{kubevirtv1.TrayStateOpen, kubevirtv1.TrayStateClosed}
)

func validateDisks(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	disks, diskPath := spec.Domain.Devices.Disks, path.Child("domain", "devices", "disks")
	if len(disks) > maxItems {
		return field.ErrorList{field.TooMany(diskPath, len(disks), maxItems)}
	}
	volumes := make(map[string]bool, len(spec.Volumes))
	hotpluggable := map[string]bool{}
	for i := range spec.Volumes {
		volumes[spec.Volumes[i].Name] = true
		hotpluggable[spec.Volumes[i].Name] = spec.Volumes[i].IsHotpluggable()
	}
	var errs field.ErrorList
	seen := map[string]bool{}
	for i := range disks {
		disk, path := &disks[i], diskPath.Index(i)
		for _, message := range validation.IsDNS1123Label(disk.Name) {
			errs = append(errs, field.Invalid(path.Child("name"), disk.Name, message))
		}
		if seen[disk.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), disk.Name))
		}
		seen[disk.Name] = true
		if !volumes[disk.Name] {
			errs = append(errs, field.Invalid(path.Child("name"), disk.Name, "no volume of spec.volumes has this name"))
		}
		errs = append(errs, validateDisk(disk, path)...)
		errs = append(errs, validateDiskTuning(disk, hotpluggable[disk.Name], path)...)
	}
	return errs
}

func validateDisk(disk *kubevirtv1.Disk, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if disk.Disk != nil && disk.CDRom != nil {
		errs = append(errs, field.Invalid(path, "disk, cdrom", "can only have a single target defined: disk or cdrom"))
	}
	if target := disk.Disk; target != nil {
		errs = append(errs, oneOf(path.Child("disk", "bus"), target.Bus, diskBuses)...)
		if target.ReadOnly && target.Bus == kubevirtv1.DiskBusSATA {
			errs = append(errs, field.Invalid(path.Child("disk", "readonly"), true, "a sata disk can't be read-only; use the bus virtio or scsi, or a cdrom"))
		}
	}
	if target := disk.CDRom; target != nil {
		errs = append(errs, oneOf(path.Child("cdrom", "bus"), target.Bus, cdromBuses)...)
		errs = append(errs, oneOf(path.Child("cdrom", "tray"), target.Tray, trayStates)...)
		if target.ReadOnly != nil && !*target.ReadOnly {
			errs = append(errs, field.Invalid(path.Child("cdrom", "readonly"), false, "a CD-ROM is read-only; use a disk to write"))
		}
	}
	if disk.Serial != "" && !serials.MatchString(disk.Serial) {
		errs = append(errs, field.Invalid(path.Child("serial"), disk.Serial, "must be made up of 1 to 256 of the following characters [A-Za-z0-9_.+-]"))
	}
	if disk.Cache != "" {
		errs = append(errs, oneOf(path.Child("cache"), disk.Cache, diskCaches)...)
	}
	return errs
}

// validateBootOrders lets each position be taken once, by a disk or an interface.
func validateBootOrders(devices *kubevirtv1.Devices, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	taken := map[uint]bool{}
	check := func(order *uint, path *field.Path) {
		switch {
		case order == nil:
		case *order < 1:
			errs = append(errs, field.Invalid(path, *order, "must have a boot order > 0, if supplied"))
		case taken[*order]:
			errs = append(errs, field.Duplicate(path, *order))
		default:
			taken[*order] = true
		}
	}
	for i := range devices.Disks {
		check(devices.Disks[i].BootOrder, path.Child("disks").Index(i).Child("bootOrder"))
	}
	for i := range devices.Interfaces {
		check(devices.Interfaces[i].BootOrder, path.Child("interfaces").Index(i).Child("bootOrder"))
	}
	return errs
}
