// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func buildOS(in Input) *libvirtxml.DomainOS {
	spec := &in.Instance.Spec.Domain
	os := &libvirtxml.DomainOS{Type: &libvirtxml.DomainOSType{Arch: "x86_64", Machine: spec.Machine.Type, Type: "hvm"}}
	if spec.Firmware.Serial != "" {
		os.SMBios = &libvirtxml.DomainSMBios{Mode: "sysinfo"}
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

func buildSysInfo(firmware *kubevirtv1.Firmware) []libvirtxml.DomainSysInfo {
	if firmware.Serial == "" {
		return nil
	}
	return []libvirtxml.DomainSysInfo{{SMBIOS: &libvirtxml.DomainSysInfoSMBIOS{
		System: &libvirtxml.DomainSysInfoSystem{Entry: []libvirtxml.DomainSysInfoEntry{
			{Name: "serial", Value: firmware.Serial},
		}},
	}}}
}
