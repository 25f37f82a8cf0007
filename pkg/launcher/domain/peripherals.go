// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func addPeripherals(devices *libvirtxml.DomainDeviceList, in Input) {
	spec := &in.Instance.Spec.Domain.Devices
	for _, input := range spec.Inputs {
		devices.Inputs = append(devices.Inputs, libvirtxml.DomainInput{
			Type: string(ptr.Deref(input.Type, "")), Bus: string(ptr.Deref(input.Bus, "")), Alias: aliasOf("input", input.Name),
		})
	}
	if watchdog := spec.Watchdog; watchdog != nil && watchdog.I6300ESB != nil {
		devices.Watchdogs = []libvirtxml.DomainWatchdog{{
			Model: "i6300esb", Action: string(ptr.Deref(watchdog.I6300ESB.Action, "")), Alias: aliasOf("watchdog", watchdog.Name),
		}}
	}
	if spec.Sound != nil {
		devices.Sounds = []libvirtxml.DomainSound{{Model: ptr.Deref(spec.Sound.Model, ""), Alias: aliasOf("sound", spec.Sound.Name)}}
	}
	devices.Panics = buildPanics(spec.PanicDevices, in.KVM)
	if HasVSOCK(spec) {
		// The kernel knows which addresses are free, and libvirt asks it for one.
		devices.VSock = &libvirtxml.DomainVSock{Model: "virtio", CID: &libvirtxml.DomainVSockCID{Auto: "yes"}}
	}
	if spec.TPM.On() {
		devices.TPMs = []libvirtxml.DomainTPM{TPM(in.KeepTPM)}
	}
}

// HasVSOCK says whether the guest can be reached without a network.
func HasVSOCK(devices *kubevirtv1.Devices) bool { return ptr.Deref(devices.AutoattachVSOCK, false) }

// TPM is a module as guests have it. What one that is kept has stored stays where the domain is undefined.
func TPM(kept bool) libvirtxml.DomainTPM {
	emulator := &libvirtxml.DomainTPMBackendEmulator{Version: "2.0"}
	if kept {
		emulator.PersistentState = "yes"
	}
	return libvirtxml.DomainTPM{Model: "tpm-crb", Backend: &libvirtxml.DomainTPMBackend{Emulator: emulator}}
}

// buildPanics lets every guest tell of its panic: how it ended is known by that.
func buildPanics(wanted []kubevirtv1.PanicDevice, kvm bool) []libvirtxml.DomainPanic {
	panics := []libvirtxml.DomainPanic{{Model: string(kubevirtv1.PanicDeviceISA)}}
	for _, device := range wanted {
		if ptr.Deref(device.Model, kubevirtv1.PanicDeviceISA) == kubevirtv1.PanicDeviceHyperv && kvm {
			panics = append(panics, libvirtxml.DomainPanic{Model: string(kubevirtv1.PanicDeviceHyperv)})
		}
	}
	return panics
}

// aliasOf names a device. The underscore, which no disk or interface has in its name, keeps kinds apart.
func aliasOf(kind, name string) *libvirtxml.DomainAlias {
	return &libvirtxml.DomainAlias{Name: aliasPrefix + kind + "_" + name}
}
