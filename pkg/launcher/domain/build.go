// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"errors"
	"fmt"

	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// maxVCPUs is what q35 machines without an I/O memory management unit take.
const maxVCPUs = 255

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
	// ConsoleSocket is where QEMU shall listen for the serial console.
	ConsoleSocket string
	// ConsoleLog collects what the guest writes to the serial console.
	ConsoleLog string
	// NVRAM is where the variables of a UEFI firmware are kept.
	NVRAM string
}

// File is a raw image, to be opened by QEMU.
type File struct {
	Path     string
	ReadOnly bool
	// DirectIO is true where the file can be opened past the page cache.
	DirectIO bool
}

// Build returns the domain of an instance. An error means that the instance can't be translated, now or
// later; it names the field.
func Build(in Input) (*libvirtxml.Domain, error) {
	spec := &in.Instance.Spec.Domain
	if err := check(in.Instance); err != nil {
		return nil, err
	}
	vcpus, err := countVCPUs(spec.CPU)
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
	return &libvirtxml.Domain{
		Type:     domainType(in.KVM),
		Name:     Name(in.Instance.Namespace, in.Instance.Name),
		UUID:     string(spec.Firmware.UUID),
		Metadata: &libvirtxml.DomainMetadata{XML: metadata},
		Memory:   &libvirtxml.DomainMemory{Value: uint(spec.Memory.Guest.Value()), Unit: "b"},
		VCPU:     &libvirtxml.DomainVCPU{Placement: "static", Value: vcpus},
		SysInfo:  buildSysInfo(spec.Firmware),
		OS:       buildOS(in),
		Features: buildFeatures(spec),
		CPU:      buildCPU(spec.CPU, in.KVM),
		Clock:    buildClock(),

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
	}, nil
}

func domainType(kvm bool) string {
	if kvm {
		return "kvm"
	}
	return "qemu"
}

func countVCPUs(cpu *kubevirtv1.CPU) (uint, error) {
	if cpu == nil || cpu.Sockets == 0 || cpu.Cores == 0 || cpu.Threads == 0 {
		return 0, errors.New("spec.domain.cpu: sockets, cores and threads are needed")
	}
	for _, n := range []uint32{cpu.Sockets, cpu.Cores, cpu.Threads} {
		if n > maxVCPUs {
			return 0, fmt.Errorf("spec.domain.cpu: more than %d virtual CPUs", maxVCPUs)
		}
	}
	vcpus := uint(cpu.Sockets) * uint(cpu.Cores) * uint(cpu.Threads)
	if vcpus > maxVCPUs {
		return 0, fmt.Errorf("spec.domain.cpu: %d virtual CPUs, the most is %d", vcpus, maxVCPUs)
	}
	return vcpus, nil
}

// buildCPU gives every model of the host to a guest under KVM. Without KVM there is no host to be like:
// all that QEMU can emulate comes closest, and recent distributions need more than its oldest model.
func buildCPU(cpu *kubevirtv1.CPU, kvm bool) *libvirtxml.DomainCPU {
	out := &libvirtxml.DomainCPU{Topology: &libvirtxml.DomainCPUTopology{
		Sockets: int(cpu.Sockets), Dies: 1, Cores: int(cpu.Cores), Threads: int(cpu.Threads),
	}}
	host := cpu.Model == "" || cpu.Model == "host-model" || cpu.Model == "host-passthrough"
	switch {
	case host && !kvm:
		out.Mode = "maximum"
	case cpu.Model == "host-passthrough":
		out.Mode = "host-passthrough"
	case host:
		out.Mode = "host-model"
	default:
		out.Mode, out.Match = "custom", "exact"
		out.Model = &libvirtxml.DomainCPUModel{Value: cpu.Model, Fallback: "allow"}
		if !kvm {
			out.Check = "none" // QEMU leaves out what it can't emulate
		}
	}
	return out
}

func buildFeatures(spec *kubevirtv1.DomainSpec) *libvirtxml.DomainFeatureList {
	features := &libvirtxml.DomainFeatureList{
		APIC:   &libvirtxml.DomainFeatureAPIC{},
		VMPort: &libvirtxml.DomainFeatureState{State: "off"},
	}
	if HasACPI(spec) {
		features.ACPI = &libvirtxml.DomainFeature{}
	}
	smm := spec.Features != nil && spec.Features.SMM != nil && ptr.Deref(spec.Features.SMM.Enabled, true)
	if smm || secureBoot(spec.Firmware) {
		features.SMM = &libvirtxml.DomainFeatureSMM{State: "on"}
	}
	return features
}

// HasACPI says whether the guest can be asked to power off.
func HasACPI(spec *kubevirtv1.DomainSpec) bool {
	return spec.Features == nil || ptr.Deref(spec.Features.ACPI.Enabled, true)
}

// buildClock leaves out the timer that costs an idle host the most.
func buildClock() *libvirtxml.DomainClock {
	return &libvirtxml.DomainClock{Offset: "utc", Timer: []libvirtxml.DomainTimer{
		{Name: "rtc", TickPolicy: "catchup"},
		{Name: "pit", TickPolicy: "delay"},
		{Name: "hpet", Present: "no"},
	}}
}
