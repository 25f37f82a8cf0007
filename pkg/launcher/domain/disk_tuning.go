// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"fmt"

	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// tuneDisk gives a disk, whose cache is decided, what its spec wants of how it works.
func tuneDisk(disk *libvirtxml.DomainDisk, spec *kubevirtv1.Disk, file File) error {
	switch ptr.Deref(spec.IO, "") {
	case "":
	case kubevirtv1.IONative:
		if disk.Driver.Cache != string(kubevirtv1.CacheNone) {
			return fmt.Errorf("io native: needs the cache none, and this disk has %s; leave io out", disk.Driver.Cache)
		}
	case kubevirtv1.IOThreads:
		disk.Driver.IO = string(kubevirtv1.IOThreads)
	default:
		return fmt.Errorf("io %q: must be native or threads", ptr.Deref(spec.IO, ""))
	}
	if err := setErrorPolicy(disk.Driver, spec.ErrorPolicy); err != nil {
		return err
	}
	if spec.BlockSize.MatchesVolume() {
		disk.BlockIO = matching(spec, file)
	} else if spec.BlockSize != nil && spec.BlockSize.Custom != nil {
		size := spec.BlockSize.Custom
		disk.BlockIO = &libvirtxml.DomainDiskBlockIO{LogicalBlockSize: ptr.Deref(size.Logical, 0), PhysicalBlockSize: ptr.Deref(size.Physical, 0)}
	}
	return nil
}

// matching are the blocks of a device, or of the file system that a file is on. QEMU's AHCI has logical ones of
// 512 bytes.
func matching(spec *kubevirtv1.Disk, file File) *libvirtxml.DomainDiskBlockIO {
	logical, physical := file.BlockSize, file.BlockSize
	if file.Device != nil {
		logical, physical = file.Device.LogicalBlockSize, file.Device.PhysicalBlockSize
	}
	if spec.Disk == nil || ptr.Deref(spec.Disk.Bus, "") == "" || ptr.Deref(spec.Disk.Bus, "") == kubevirtv1.DiskBusSATA {
		logical = sectorSize
	}
	return &libvirtxml.DomainDiskBlockIO{LogicalBlockSize: max(logical, sectorSize), PhysicalBlockSize: max(physical, sectorSize)}
}

// sectorSize is the least that a disk's block has, in bytes.
const sectorSize = 512

func setErrorPolicy(driver *libvirtxml.DomainDiskDriver, policy *kubevirtv1.DiskErrorPolicy) error {
	if policy == nil {
		return nil
	}
	switch *policy {
	case kubevirtv1.DiskErrorPolicyStop, kubevirtv1.DiskErrorPolicyIgnore, kubevirtv1.DiskErrorPolicyReport, kubevirtv1.DiskErrorPolicyEnospace:
		driver.ErrorPolicy = string(*policy)
		return nil
	}
	return fmt.Errorf("errorPolicy %q: must be stop, ignore, report or enospace", *policy)
}
