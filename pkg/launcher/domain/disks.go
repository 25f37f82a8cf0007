// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// aliasPrefix is what libvirt wants the names to begin with that a user gives to devices.
const aliasPrefix = "ua-"

func buildDisks(in Input) ([]libvirtxml.DomainDisk, error) {
	names := targetNames{}
	disks := make([]libvirtxml.DomainDisk, 0, len(in.Instance.Spec.Domain.Devices.Disks))
	for i := range in.Instance.Spec.Domain.Devices.Disks {
		spec := &in.Instance.Spec.Domain.Devices.Disks[i]
		file, ok := in.Files[spec.Name]
		if !ok {
			return nil, fmt.Errorf("spec.domain.devices.disks[%d]: there is no file for volume %s", i, spec.Name)
		}
		disk, err := buildDisk(spec, file, names)
		if err != nil {
			return nil, fmt.Errorf("spec.domain.devices.disks[%d]: %w", i, err)
		}
		if in.User != nil && disk.BackingStore != nil {
			// It is others' too, and stays whose it is: QEMU can only read it.
			disk.BackingStore.Source.File.SecLabel = []libvirtxml.DomainDeviceSecLabel{{Model: "dac", Relabel: "no"}}
		}
		disks = append(disks, *disk)
	}
	return disks, nil
}

func buildDisk(spec *kubevirtv1.Disk, file File, names targetNames) (*libvirtxml.DomainDisk, error) {
	if err := errors.Join(checkPrintable("path", file.Path), checkPrintable("path", file.Backing)); err != nil {
		return nil, err
	}
	driver, err := buildDriver(ptr.Deref(spec.Cache, ""), file.DirectIO)
	if err != nil {
		return nil, err
	}
	disk := &libvirtxml.DomainDisk{
		Driver: driver,
		Source: sourceOf(file),
		Serial: ptr.Deref(spec.Serial, ""),
		Alias:  &libvirtxml.DomainAlias{Name: aliasPrefix + spec.Name},
		Boot:   buildBoot(spec.BootOrder),
	}
	if ptr.Deref(spec.Shareable, false) && file.Backing != "" {
		return nil, errors.New("shareable: what a guest writes to an image that is thrown away is nobody else's; use a claim")
	}
	if file.Shared || ptr.Deref(spec.Shareable, false) {
		disk.Shareable = &libvirtxml.DomainDiskShareable{}
	}
	if file.Backing != "" {
		setBacking(disk, file)
	}
	if err := tuneDisk(disk, spec, file); err != nil {
		return nil, err
	}
	if spec.CDRom != nil {
		return disk, setCDRom(disk, spec.CDRom, names)
	}
	if spec.LUN != nil {
		return disk, setLUN(disk, spec, file, names)
	}
	return disk, setDisk(disk, spec.Disk, file.ReadOnly, names)
}

func sourceOf(file File) *libvirtxml.DomainDiskSource {
	if file.Device != nil {
		return &libvirtxml.DomainDiskSource{Block: &libvirtxml.DomainDiskSourceBlock{Dev: file.Path}}
	}
	return &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: file.Path, FDGroup: file.Descriptor}}
}

// setBacking names all there is below an overlay, so that nothing is found out by looking into images.
func setBacking(disk *libvirtxml.DomainDisk, file File) {
	disk.Driver.Type = "qcow2"
	disk.BackingStore = &libvirtxml.DomainDiskBackingStore{
		Format: &libvirtxml.DomainDiskFormat{Type: "raw"},
		Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{
			File: file.Backing, FDGroup: file.BackingDescriptor,
		}},
		BackingStore: &libvirtxml.DomainDiskBackingStore{},
	}
}

func setDisk(disk *libvirtxml.DomainDisk, target *kubevirtv1.DiskTarget, readOnlyFile bool, names targetNames) error {
	target = ptr.To(ptr.Deref(target, kubevirtv1.DiskTarget{}))
	if ptr.Deref(target.Bus, "") == "" {
		target.Bus = ptr.To(kubevirtv1.DefaultDiskBus)
	}
	name, err := names.next(ptr.Deref(target.Bus, ""))
	if err != nil {
		return err
	}
	if disk.Address, err = buildPCIAddress(ptr.Deref(target.PciAddress, "")); err != nil {
		return fmt.Errorf("pciAddress: %w", err)
	}
	disk.Device = "disk"
	disk.Driver.Discard = "unmap"
	disk.Target = &libvirtxml.DomainDiskTarget{Dev: name, Bus: string(ptr.Deref(target.Bus, ""))}
	if !ptr.Deref(target.ReadOnly, false) && !readOnlyFile {
		return nil
	}
	if ptr.Deref(target.Bus, "") == kubevirtv1.DiskBusSATA {
		return fmt.Errorf("sata disks can't be read-only; use bus virtio or scsi, or a cdrom")
	}
	disk.ReadOnly = &libvirtxml.DomainDiskReadOnly{}
	return nil
}

// setLUN has QEMU pass the guest's commands on. The device has a serial number and blocks of its own.
func setLUN(disk *libvirtxml.DomainDisk, spec *kubevirtv1.Disk, file File, names targetNames) error {
	switch {
	case ptr.Deref(spec.LUN.Bus, "") != "" && ptr.Deref(spec.LUN.Bus, "") != kubevirtv1.DefaultLunBus:
		return fmt.Errorf("a lun can't be on bus %s; use scsi", ptr.Deref(spec.LUN.Bus, ""))
	case file.Device == nil:
		return errors.New("lun: the volume is a file; use disk in place of lun")
	case ptr.Deref(spec.Serial, "") != "" || disk.BlockIO != nil:
		return errors.New("a lun has the serial number and the blocks of its device; leave serial and blockSize out")
	}
	name, err := names.next(kubevirtv1.DefaultLunBus)
	if err != nil {
		return err
	}
	disk.Device = "lun"
	disk.Driver.Discard = "unmap"
	disk.Target = &libvirtxml.DomainDiskTarget{Dev: name, Bus: string(kubevirtv1.DefaultLunBus)}
	if ptr.Deref(spec.LUN.ReadOnly, false) || file.ReadOnly {
		disk.ReadOnly = &libvirtxml.DomainDiskReadOnly{}
	}
	return nil
}

func setCDRom(disk *libvirtxml.DomainDisk, target *kubevirtv1.CDRomTarget, names targetNames) error {
	bus, tray := ptr.Deref(target.Bus, ""), ptr.Deref(target.Tray, "")
	if bus == "" {
		bus = kubevirtv1.DefaultDiskBus
	}
	if bus == kubevirtv1.DiskBusVirtio {
		return fmt.Errorf("a cdrom can't be on bus virtio; use sata, scsi or usb")
	}
	name, err := names.next(bus)
	if err != nil {
		return err
	}
	if tray != "" && tray != kubevirtv1.TrayStateOpen && tray != kubevirtv1.TrayStateClosed {
		return fmt.Errorf("tray %q: must be open or closed", tray)
	}
	disk.Device = "cdrom"
	disk.ReadOnly = &libvirtxml.DomainDiskReadOnly{}
	disk.Target = &libvirtxml.DomainDiskTarget{Dev: name, Bus: string(bus), Tray: string(tray)}
	return nil
}

// buildDriver passes the page cache by where it can, so that what the guest flushed is on the disk and
// memory is not used twice. An error stops the guest instead of reaching it: a full disk can be repaired.
func buildDriver(cache kubevirtv1.DriverCache, directIO bool) (*libvirtxml.DomainDiskDriver, error) {
	driver := &libvirtxml.DomainDiskDriver{Name: "qemu", Type: "raw", ErrorPolicy: "stop"}
	switch cache {
	case "":
		cache = kubevirtv1.CacheWriteThrough
		if directIO {
			cache = kubevirtv1.CacheNone
		}
	case kubevirtv1.CacheNone:
		if !directIO {
			return nil, fmt.Errorf("cache none: the volume's file system can't do it; leave cache out")
		}
	case kubevirtv1.CacheWriteThrough, kubevirtv1.CacheWriteBack:
	default:
		return nil, fmt.Errorf("cache %q: must be none, writethrough or writeback", cache)
	}
	driver.Cache = string(cache)
	if cache == kubevirtv1.CacheNone {
		driver.IO = "native"
	}
	return driver, nil
}

func buildBoot(order *uint) *libvirtxml.DomainDeviceBoot {
	if order == nil {
		return nil
	}
	return &libvirtxml.DomainDeviceBoot{Order: *order}
}

// setDefaultBoot makes all disks boot candidates in their order where nobody chose what boots. SeaBIOS tries the
// first disk alone; OVMF tries all.
func setDefaultBoot(disks []libvirtxml.DomainDisk, interfaces []libvirtxml.DomainInterface) {
	chosen := slices.ContainsFunc(disks, func(d libvirtxml.DomainDisk) bool { return d.Boot != nil }) ||
		slices.ContainsFunc(interfaces, func(i libvirtxml.DomainInterface) bool { return i.Boot != nil })
	if chosen {
		return
	}
	order := uint(0)
	for i := range disks {
		if disks[i].Device == "cdrom" {
			continue
		}
		order++
		disks[i].Boot = &libvirtxml.DomainDeviceBoot{Order: order}
	}
}

// targetNames counts the device names given so far, by their prefix.
type targetNames map[string]int

// next returns vda, vdb, … for virtio, and sda, sdb, … for all other buses together.
func (n targetNames) next(bus kubevirtv1.DiskBus) (string, error) {
	var prefix string
	switch bus {
	case kubevirtv1.DiskBusVirtio:
		prefix = "vd"
	case kubevirtv1.DiskBusSATA, kubevirtv1.DiskBusSCSI, kubevirtv1.DiskBusUSB:
		prefix = "sd"
	default:
		return "", fmt.Errorf("bus %q: must be virtio, sata, scsi or usb", bus)
	}
	index := n[prefix]
	n[prefix]++
	return prefix + letters(index), nil
}

// letters counts a, …, z, aa, ab, ….
func letters(index int) string {
	if index < 26 {
		return string(rune('a' + index))
	}
	return letters(index/26-1) + letters(index%26)
}
