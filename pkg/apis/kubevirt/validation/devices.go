// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

var (
	diskBuses  = []kubevirtv1.DiskBus{kubevirtv1.DiskBusVirtio, kubevirtv1.DiskBusSATA, kubevirtv1.DiskBusSCSI, kubevirtv1.DiskBusUSB}
	cdromBuses = []kubevirtv1.DiskBus{kubevirtv1.DiskBusSATA, kubevirtv1.DiskBusSCSI, kubevirtv1.DiskBusUSB}
	lunBuses   = []kubevirtv1.DiskBus{kubevirtv1.DiskBusSCSI}
	diskCaches = []kubevirtv1.DriverCache{kubevirtv1.CacheNone, kubevirtv1.CacheWriteThrough, kubevirtv1.CacheWriteBack}
	trayStates = []kubevirtv1.TrayState{kubevirtv1.TrayStateOpen, kubevirtv1.TrayStateClosed}
)

func validateDisks(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	disks, diskPath := spec.Domain.Devices.Disks, path.Child("domain", "devices", "disks")
	if len(disks) > maxItems {
		return field.ErrorList{field.TooMany(diskPath, len(disks), maxItems)}
	}
	volumes := make(map[string]*kubevirtv1.Volume, len(spec.Volumes))
	for i := range spec.Volumes {
		volumes[spec.Volumes[i].Name] = &spec.Volumes[i]
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
		volume := volumes[disk.Name]
		if volume == nil {
			errs = append(errs, field.Invalid(path.Child("name"), disk.Name, "no volume of spec.volumes has this name"))
		}
		errs = append(errs, validateDisk(disk, path)...)
		errs = append(errs, validateDiskTuning(disk, volume != nil && volume.IsHotpluggable(), path)...)
		if disk.LUN != nil {
			errs = append(errs, validateLUN(disk, volume, path)...)
		}
	}
	return errs
}

func validateDisk(disk *kubevirtv1.Disk, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if targets := targetsOf(disk); len(targets) > 1 {
		errs = append(errs, field.Invalid(path, strings.Join(targets, ", "), "can only have a single target defined: disk, cdrom or lun"))
	}
	if target := disk.Disk; target != nil {
		errs = append(errs, oneOf(path.Child("disk", "bus"), ptr.Deref(target.Bus, ""), diskBuses)...)
		if ptr.Deref(target.ReadOnly, false) && ptr.Deref(target.Bus, "") == kubevirtv1.DiskBusSATA {
			errs = append(errs, field.Invalid(path.Child("disk", "readonly"), true, "a sata disk can't be read-only; use the bus virtio or scsi, or a cdrom"))
		}
	}
	if target := disk.CDRom; target != nil {
		errs = append(errs, oneOf(path.Child("cdrom", "bus"), ptr.Deref(target.Bus, ""), cdromBuses)...)
		errs = append(errs, oneOf(path.Child("cdrom", "tray"), ptr.Deref(target.Tray, ""), trayStates)...)
		if target.ReadOnly != nil && !*target.ReadOnly {
			errs = append(errs, field.Invalid(path.Child("cdrom", "readonly"), false, "a CD-ROM is read-only; use a disk to write"))
		}
	}
	if ptr.Deref(disk.Serial, "") != "" && !serials.MatchString(ptr.Deref(disk.Serial, "")) {
		errs = append(errs, field.Invalid(path.Child("serial"), ptr.Deref(disk.Serial, ""), "must be made up of 1 to 256 of the following characters [A-Za-z0-9_.+-]"))
	}
	if ptr.Deref(disk.Cache, "") != "" {
		errs = append(errs, oneOf(path.Child("cache"), ptr.Deref(disk.Cache, ""), diskCaches)...)
	}
	return errs
}

func targetsOf(disk *kubevirtv1.Disk) []string {
	var targets []string
	for name, is := range map[string]bool{"disk": disk.Disk != nil, "cdrom": disk.CDRom != nil, "lun": disk.LUN != nil} {
		if is {
			targets = append(targets, name)
		}
	}
	slices.Sort(targets)
	return targets
}

// validateLUN refuses also what the device itself decides.
func validateLUN(disk *kubevirtv1.Disk, volume *kubevirtv1.Volume, path *field.Path) field.ErrorList {
	lun := path.Child("lun")
	errs := oneOf(lun.Child("bus"), ptr.Deref(disk.LUN.Bus, ""), lunBuses)
	if volume != nil && volume.PersistentVolumeClaim == nil && volume.DataVolume == nil {
		errs = append(errs, field.Invalid(lun, disk.Name, "can only be mapped to a DataVolume or PersistentVolumeClaim volume; use a disk"))
	}
	if ptr.Deref(disk.Serial, "") != "" {
		errs = append(errs, field.Invalid(path.Child("serial"), ptr.Deref(disk.Serial, ""), "the guest sees the serial number of the device itself; leave serial out, or use a disk"))
	}
	if disk.BlockSize != nil && (disk.BlockSize.Custom != nil || disk.BlockSize.MatchesVolume()) {
		errs = append(errs, field.Invalid(path.Child("blockSize"), disk.Name, "the guest sees the blocks of the device itself; leave blockSize out, or use a disk"))
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
