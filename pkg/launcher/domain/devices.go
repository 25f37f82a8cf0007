// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	guestAgentChannel = "org.qemu.guest_agent.0"
)

func buildDevices(in Input) (*libvirtxml.DomainDeviceList, error) {
	spec := &in.Instance.Spec.Domain.Devices
	disks, err := buildDisks(in)
	if err != nil {
		return nil, err
	}
	interfaces, err := buildInterfaces(in)
	if err != nil {
		return nil, err
	}
	if in.Boot == nil {
		setDefaultBoot(disks, interfaces)
	}
	devices := &libvirtxml.DomainDeviceList{
		Disks:       disks,
		Controllers: buildControllers(disks, spec.Inputs),
		Interfaces:  interfaces,
		Channels: []libvirtxml.DomainChannel{{
			Source: &libvirtxml.DomainChardevSource{UNIX: &libvirtxml.DomainChardevSourceUNIX{Mode: "bind"}},
			Target: &libvirtxml.DomainChannelTarget{VirtIO: &libvirtxml.DomainChannelTargetVirtIO{Name: guestAgentChannel}},
		}},
		MemBalloon: buildBalloon(spec),
	}
	if HasConsole(spec) {
		devices.Serials = buildSerial(in)
	}
	if HasGraphics(spec) {
		devices.Graphics, devices.Videos = buildGraphics(spec.Video)
	}
	if spec.Rng != nil {
		devices.RNGs = buildRNG()
	}
	addPeripherals(devices, in)
	addHotplug(devices, spec)
	return devices, nil
}

// HasConsole says whether the guest has a serial console.
func HasConsole(devices *kubevirtv1.Devices) bool {
	return ptr.Deref(devices.AutoattachSerialConsole, true)
}

// HasGraphics says whether the guest has a screen.
func HasGraphics(devices *kubevirtv1.Devices) bool {
	return ptr.Deref(devices.AutoattachGraphicsDevice, true)
}

// buildControllers names those that libvirt would choose otherwise. The ports that the devices of a PCIe
// machine need come from libvirt itself.
func buildControllers(disks []libvirtxml.DomainDisk, inputs []kubevirtv1.Input) []libvirtxml.DomainController {
	usb := libvirtxml.DomainController{Type: "usb", Index: ptr.To[uint](0), Model: "none"}
	var scsi []libvirtxml.DomainController
	for _, disk := range disks {
		switch kubevirtv1.DiskBus(disk.Target.Bus) {
		case kubevirtv1.DiskBusUSB:
			usb.Model = "qemu-xhci"
		case kubevirtv1.DiskBusSCSI:
			scsi = []libvirtxml.DomainController{scsiController()}
		}
	}
	for _, input := range inputs {
		if ptr.Deref(input.Bus, "") == kubevirtv1.InputBusUSB {
			usb.Model = "qemu-xhci"
		}
	}
	return append([]libvirtxml.DomainController{usb}, scsi...)
}

func scsiController() libvirtxml.DomainController {
	return libvirtxml.DomainController{Type: "scsi", Index: ptr.To[uint](0), Model: "virtio-scsi"}
}

func buildSerial(in Input) []libvirtxml.DomainSerial {
	serial := libvirtxml.DomainSerial{
		Source: &libvirtxml.DomainChardevSource{UNIX: &libvirtxml.DomainChardevSourceUNIX{Mode: "bind", Path: in.ConsoleSocket}},
		Target: &libvirtxml.DomainSerialTarget{Type: "isa-serial", Port: ptr.To[uint](0)},
	}
	if ptr.Deref(in.Instance.Spec.Domain.Devices.LogSerialConsole, true) {
		serial.Log = &libvirtxml.DomainChardevLog{File: in.ConsoleLog, Append: "on"}
	}
	return []libvirtxml.DomainSerial{serial}
}

// buildGraphics makes a screen that listens nowhere: connections are handed to QEMU as descriptors.
// Standard VGA is what every firmware and guest can draw on.
func buildGraphics(video *kubevirtv1.VideoDevice) ([]libvirtxml.DomainGraphic, []libvirtxml.DomainVideo) {
	model := libvirtxml.DomainVideoModel{Type: "vga", VRam: 16384, Heads: 1, Primary: "yes"}
	if video != nil && ptr.Deref(video.Type, "") != model.Type {
		model = libvirtxml.DomainVideoModel{Type: ptr.Deref(video.Type, ""), Heads: 1, Primary: "yes"}
	}
	return []libvirtxml.DomainGraphic{{VNC: &libvirtxml.DomainGraphicVNC{
			Listeners: []libvirtxml.DomainGraphicListener{{}}, // type none
		}}},
		[]libvirtxml.DomainVideo{{Model: model}}
}

// buildBalloon gives memory that the guest has no use for back to the host.
func buildBalloon(spec *kubevirtv1.Devices) *libvirtxml.DomainMemBalloon {
	if !ptr.Deref(spec.AutoattachMemBalloon, true) {
		return &libvirtxml.DomainMemBalloon{Model: "none"}
	}
	return &libvirtxml.DomainMemBalloon{Model: "virtio", FreePageReporting: "on"}
}

func buildRNG() []libvirtxml.DomainRNG {
	return []libvirtxml.DomainRNG{{
		Model:   "virtio",
		Backend: &libvirtxml.DomainRNGBackend{Random: &libvirtxml.DomainRNGBackendRandom{Device: "/dev/urandom"}},
	}}
}
