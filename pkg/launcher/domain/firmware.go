// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func buildOS(in Input) *libvirtxml.DomainOS {
	spec := &in.Instance.Spec.Domain
	os := &libvirtxml.DomainOS{Type: &libvirtxml.DomainOSType{Arch: "x86_64", Machine: ptr.Deref(spec.Machine.Type, ""), Type: "hvm"}}
	if buildSysInfo(spec) != nil {
		os.SMBios = &libvirtxml.DomainSMBios{Mode: "sysinfo"}
	}
	if in.Boot != nil {
		os.Kernel, os.Initrd, os.Cmdline = in.Boot.Kernel, in.Boot.Initrd, ptr.Deref(spec.Firmware.KernelBoot.KernelArgs, "")
	}
	bootloader := spec.Firmware.Bootloader
	switch {
	case bootloader == nil:
	case bootloader.EFI != nil:
		setEFI(os, secureBoot(spec.Firmware), in.NVRAM)
	case bootloader.BIOS != nil && ptr.Deref(bootloader.BIOS.UseSerial, false):
		os.BIOS = &libvirtxml.DomainBIOS{UseSerial: "yes"}
	}
	return os
}

// setEFI lets libvirt choose the build of the firmware: distributions keep them in different places and
// describe them to it.
func setEFI(os *libvirtxml.DomainOS, secure bool, nvram string) {
	os.Firmware = "efi"
	os.NVRam = &libvirtxml.DomainNVRam{NVRam: nvram}
	if !secure {
		os.FirmwareInfo = &libvirtxml.DomainOSFirmwareInfo{Features: []libvirtxml.DomainOSFirmwareFeature{
			{Name: "secure-boot", Enabled: "no"},
		}}
		return
	}
	os.Loader = &libvirtxml.DomainLoader{Secure: "yes"}
	os.FirmwareInfo = &libvirtxml.DomainOSFirmwareInfo{Features: []libvirtxml.DomainOSFirmwareFeature{
		{Name: "secure-boot", Enabled: "yes"},
		{Name: "enrolled-keys", Enabled: "yes"},
	}}
}

func secureBoot(firmware *kubevirtv1.Firmware) bool {
	if firmware.Bootloader == nil || firmware.Bootloader.EFI == nil {
		return false
	}
	return ptr.Deref(firmware.Bootloader.EFI.SecureBoot, true)
}

// buildSysInfo is what the firmware reports beyond QEMU's own.
func buildSysInfo(spec *kubevirtv1.DomainSpec) []libvirtxml.DomainSysInfo {
	smbios := &libvirtxml.DomainSysInfoSMBIOS{}
	if serial := ptr.Deref(spec.Firmware.Serial, ""); serial != "" {
		smbios.System = &libvirtxml.DomainSysInfoSystem{Entry: []libvirtxml.DomainSysInfoEntry{{Name: "serial", Value: serial}}}
	}
	if entries := chassisEntries(spec.Chassis); entries != nil {
		smbios.Chassis = &libvirtxml.DomainSysInfoChassis{Entry: entries}
	}
	if smbios.System == nil && smbios.Chassis == nil {
		return nil
	}
	return []libvirtxml.DomainSysInfo{{SMBIOS: smbios}}
}

func chassisEntries(chassis *kubevirtv1.Chassis) []libvirtxml.DomainSysInfoEntry {
	if chassis == nil {
		return nil
	}
	var entries []libvirtxml.DomainSysInfoEntry
	for _, entry := range []libvirtxml.DomainSysInfoEntry{
		{Name: "manufacturer", Value: ptr.Deref(chassis.Manufacturer, "")}, {Name: "version", Value: ptr.Deref(chassis.Version, "")},
		{Name: "serial", Value: ptr.Deref(chassis.Serial, "")}, {Name: "asset", Value: ptr.Deref(chassis.Asset, "")}, {Name: "sku", Value: ptr.Deref(chassis.Sku, "")},
	} {
		if entry.Value != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}
