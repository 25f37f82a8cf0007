// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	minBlockSize = 512
	maxBlockSize = 2 << 20
)

var (
	diskIOs           = []kubevirtv1.DriverIO{kubevirtv1.IONative, kubevirtv1.IOThreads}
	diskErrorPolicies = []kubevirtv1.DiskErrorPolicy{kubevirtv1.DiskErrorPolicyStop, kubevirtv1.DiskErrorPolicyIgnore,
		kubevirtv1.DiskErrorPolicyReport, kubevirtv1.DiskErrorPolicyEnospace}
)

// validateDiskTuning refuses also what QEMU would: native input and output with the page cache.
func validateDiskTuning(disk *kubevirtv1.Disk, hotpluggable bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if ptr.Deref(disk.IO, "") != "" {
		errs = append(errs, oneOf(path.Child("io"), ptr.Deref(disk.IO, ""), diskIOs)...)
	}
	if ptr.Deref(disk.IO, "") == kubevirtv1.IONative && ptr.Deref(disk.Cache, "") != "" && ptr.Deref(disk.Cache, "") != kubevirtv1.CacheNone {
		errs = append(errs, field.Invalid(path.Child("io"), ptr.Deref(disk.IO, ""), "needs the cache none; use threads, or leave cache out"))
	}
	if policy := disk.ErrorPolicy; policy != nil {
		errs = append(errs, among(path.Child("errorPolicy"), *policy, diskErrorPolicies)...)
	}
	if ptr.Deref(disk.DedicatedIOThread, false) {
		errs = append(errs, validateOwnThread(disk, hotpluggable, path)...)
	}
	if ptr.Deref(disk.Shareable, false) && ptr.Deref(disk.Cache, "") != "" && ptr.Deref(disk.Cache, "") != kubevirtv1.CacheNone {
		errs = append(errs, field.Invalid(path.Child("cache"), ptr.Deref(disk.Cache, ""), "a shareable disk needs the cache none: others would not see what it holds; leave cache out"))
	}
	if disk.Disk != nil && ptr.Deref(disk.Disk.PciAddress, "") != "" {
		errs = append(errs, validateDiskAddress(disk, path.Child("disk", "pciAddress"))...)
	}
	if disk.BlockSize != nil && (disk.BlockSize.Custom != nil || disk.BlockSize.MatchesVolume()) {
		errs = append(errs, validateBlockSize(disk, path.Child("blockSize"))...)
	}
	return errs
}

func validateDiskAddress(disk *kubevirtv1.Disk, path *field.Path) field.ErrorList {
	address := ptr.Deref(disk.Disk.PciAddress, "")
	switch {
	case busOf(disk) != kubevirtv1.DiskBusVirtio:
		return field.ErrorList{field.Invalid(path, address, fmt.Sprintf("only disks on the bus virtio are on PCI, and this one is on %s", busOf(disk)))}
	case !pciAddresses.MatchString(address):
		return field.ErrorList{field.Invalid(path, address, "must be a PCI address such as 0000:81:01.0")}
	}
	return nil
}

// validateOwnThread has upstream's path, which is the disk's.
func validateOwnThread(disk *kubevirtv1.Disk, hotpluggable bool, path *field.Path) field.ErrorList {
	if bus := busOf(disk); bus != kubevirtv1.DiskBusVirtio {
		return field.ErrorList{field.NotSupported(path, fmt.Sprintf("dedicatedIOThread on the bus %s", bus), []string{"dedicatedIOThread on the bus virtio"})}
	}
	if hotpluggable {
		return field.ErrorList{field.Invalid(path.Child("dedicatedIOThread"), true, "a running guest gets no more threads; set it to false for a hot-pluggable volume")}
	}
	return nil
}

func validateBlockSize(disk *kubevirtv1.Disk, path *field.Path) field.ErrorList {
	if disk.CDRom != nil {
		return field.ErrorList{field.Invalid(path, disk.Name, "the blocks of a CD-ROM have 2048 bytes; use a disk")}
	}
	if disk.BlockSize.MatchesVolume() {
		if disk.BlockSize.Custom != nil {
			return field.ErrorList{field.Invalid(path, disk.Name, "matchVolume can't be enabled together with a custom size; keep one of them")}
		}
		return nil
	}
	size, custom := disk.BlockSize.Custom, path.Child("custom")
	if ptr.Deref(size.Logical, 0) > ptr.Deref(size.Physical, 0) {
		return field.ErrorList{field.Invalid(custom.Child("logical"), ptr.Deref(size.Logical, 0), "must not be more than the physical size")}
	}
	if busOf(disk) == kubevirtv1.DiskBusSATA && ptr.Deref(size.Logical, 0) != minBlockSize {
		return field.ErrorList{field.Invalid(custom.Child("logical"), ptr.Deref(size.Logical, 0), "must be 512 on the bus sata; use virtio or scsi")}
	}
	return append(validateBytes(ptr.Deref(size.Logical, 0), custom.Child("logical")), validateBytes(ptr.Deref(size.Physical, 0), custom.Child("physical"))...)
}

func validateBytes(size uint, path *field.Path) field.ErrorList {
	if size < minBlockSize || size > maxBlockSize || size&(size-1) != 0 {
		return field.ErrorList{field.Invalid(path, size, "must be a power of 2 from 512 to 2097152")}
	}
	return nil
}

func busOf(disk *kubevirtv1.Disk) kubevirtv1.DiskBus {
	bus := kubevirtv1.DiskBus("")
	switch {
	case disk.CDRom != nil:
		bus = ptr.Deref(disk.CDRom.Bus, "")
	case disk.LUN != nil:
		return cmp.Or(ptr.Deref(disk.LUN.Bus, ""), kubevirtv1.DefaultLunBus)
	case disk.Disk != nil:
		bus = ptr.Deref(disk.Disk.Bus, "")
	}
	if bus == "" {
		return kubevirtv1.DefaultDiskBus
	}
	return bus
}
