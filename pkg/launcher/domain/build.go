// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"fmt"

	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Input is all that a domain is made from.
type Input struct {
	// Instance has its defaults filled in.
	Instance *kubevirtv1.VirtualMachineInstance
	// Owner is the launcher that the domain belongs to.
	Owner string
	// KVM is true where guests run on the processor, false where QEMU emulates one.
	KVM bool
	// Files are what is behind the volumes, by volume name.
	Files map[string]File
	// Boot is the kernel of an instance that boots one; else nil.
	Boot *Boot
	// Taps are the devices on the host that interfaces are connected by, by interface name. An interface
	// without one is on QEMU's own user-mode network, where it reaches nobody.
	Taps map[string]string
	// ConsoleSocket is where QEMU shall listen for the serial console.
	ConsoleSocket string
	// ConsoleLog collects what the guest writes to the serial console.
	ConsoleLog string
	// NVRAM is where the variables of a UEFI firmware are kept.
	NVRAM string
	// User that QEMU runs as; nil leaves that to libvirt.
	User *User
	// KeepTPM has a trusted platform module keep what it stores when the domain is undefined.
	KeepTPM bool
}

// File is an image, to be opened by QEMU: raw, or an overlay of our own making; or a block device.
type File struct {
	Path     string
	ReadOnly bool
	// Descriptor is the name of what is handed to QEMU, open, in the place of Path; empty where QEMU opens Path.
	Descriptor string
	// Backing, if it is set, is the raw image below Path, which is then a qcow2 overlay.
	Backing string
	// BackingDescriptor is the Descriptor of Backing.
	BackingDescriptor string
	// Shared lets other domains write to the file at the same time.
	Shared bool
	// DirectIO is true where the file can be opened past the page cache.
	DirectIO bool
	// BlockSize is that of the file system that the file is on, in bytes.
	BlockSize uint
	// Device is set where Path is the node of a block device.
	Device *Device
}

// Device is what is known of a block device. Sizes are in bytes.
type Device struct {
	LogicalBlockSize, PhysicalBlockSize uint
}

// User is one with its group, by number.
type User struct {
	UID, GID uint32
}

// Boot are the paths of a kernel and of its initrd, which may be empty.
type Boot struct {
	Kernel string
	Initrd string
}

// Build returns the domain of an instance. An error means that the instance can't be translated, now or
// later; it names the field.
func Build(in Input) (*libvirtxml.Domain, error) {
	spec := &in.Instance.Spec.Domain
	if err := check(in.Instance); err != nil {
		return nil, err
	}
	if err := checkBoot(in.Instance.Spec.Domain.Firmware.KernelBoot, in.Boot); err != nil {
		return nil, err
	}
	vcpus, maxVCPUs, err := countVCPUs(spec.CPU)
	if err != nil {
		return nil, err
	}
	metadata, err := identityOf(in).marshal()
	if err != nil {
		return nil, err
	}
	devices, err := buildDevices(in)
	if err != nil {
		return nil, err
	}
	domain := &libvirtxml.Domain{
		Type:     domainType(in.KVM),
		Name:     Name(in.Instance.Namespace, in.Instance.Name),
		UUID:     string(ptr.Deref(spec.Firmware.UUID, "")),
		Metadata: &libvirtxml.DomainMetadata{XML: metadata},
		Memory:   &libvirtxml.DomainMemory{Value: uint(spec.Memory.Guest.Value()), Unit: "b"},
		VCPU:     buildVCPU(vcpus, maxVCPUs),

		MemoryBacking: buildMemoryBacking(spec.Memory),
		SysInfo:       buildSysInfo(spec),
		OS:            buildOS(in),
		Features:      buildFeatures(spec, in.KVM),
		CPU:           buildCPU(spec.CPU, in.KVM),
		Clock:         buildClock(spec.Clock, in.KVM),

		// A guest that sleeps could not be told from one that hangs.
		PM: &libvirtxml.DomainPM{
			SuspendToMem:  &libvirtxml.DomainPMPolicy{Enabled: "no"},
			SuspendToDisk: &libvirtxml.DomainPMPolicy{Enabled: "no"},
		},
		OnPoweroff: "destroy",
		OnReboot:   "restart",
		// The launcher ends a guest that crashed once it has noted so; libvirt forgets why a domain ended
		// when it is restarted, but not that one has crashed.
		OnCrash: "preserve",
		Devices: devices,

		SecLabel: buildUser(in.User),
	}
	closeUserNetworks(domain)
	makePluggable(domain, spec.Memory, maxVCPUs)
	tuneVirtio(domain, spec, vcpus)
	return domain, nil
}

// buildUser has QEMU run as the user, whose libvirt makes the files that only this domain has.
func buildUser(user *User) []libvirtxml.DomainSecLabel {
	if user == nil {
		return nil
	}
	return []libvirtxml.DomainSecLabel{{Type: "static", Model: "dac", Relabel: "yes", Label: fmt.Sprintf("+%d:+%d", user.UID, user.GID)}}
}

func domainType(kvm bool) string {
	if kvm {
		return "kvm"
	}
	return "qemu"
}
