// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"errors"
	"fmt"

	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const maxVCPUs = kubevirtv1.MaxVCPUs

// countVCPUs returns how many processors the guest starts with, and how many it may get.
func countVCPUs(cpu *kubevirtv1.CPU) (now, most uint, err error) {
	if cpu == nil || cpu.Sockets == 0 || cpu.Cores == 0 || cpu.Threads == 0 {
		return 0, 0, errors.New("spec.domain.cpu: sockets, cores and threads are needed")
	}
	sockets := maxSockets(cpu)
	for _, n := range []uint32{sockets, cpu.Cores, cpu.Threads} {
		if n > maxVCPUs {
			return 0, 0, fmt.Errorf("spec.domain.cpu: more than %d virtual CPUs", maxVCPUs)
		}
	}
	each := uint(cpu.Cores) * uint(cpu.Threads)
	if most = uint(sockets) * each; most > maxVCPUs {
		return 0, 0, fmt.Errorf("spec.domain.cpu: %d virtual CPUs, the most is %d", most, maxVCPUs)
	}
	return uint(cpu.Sockets) * each, most, nil
}

// maxSockets are those that the guest may get; an instance from before there were any has what it has.
func maxSockets(cpu *kubevirtv1.CPU) uint32 { return max(cpu.Sockets, cpu.MaxSockets) }

func buildVCPU(now, most uint) *libvirtxml.DomainVCPU {
	vcpu := &libvirtxml.DomainVCPU{Placement: "static", Value: most}
	if now < most {
		vcpu.Current = now
	}
	return vcpu
}

// buildCPU gives every model of the host to a guest under KVM. Without KVM there is no host to be like:
// all that QEMU can emulate comes closest, and recent distributions need more than its oldest model.
func buildCPU(cpu *kubevirtv1.CPU, kvm bool) *libvirtxml.DomainCPU {
	out := &libvirtxml.DomainCPU{Topology: &libvirtxml.DomainCPUTopology{
		Sockets: int(maxSockets(cpu)), Dies: 1, Cores: int(cpu.Cores), Threads: int(cpu.Threads),
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
	for _, feature := range cpu.Features {
		out.Features = append(out.Features, libvirtxml.DomainCPUFeature{Name: feature.Name, Policy: featurePolicy(feature.Policy, kvm)})
	}
	return out
}

// featurePolicy is what libvirt is told. Without KVM there is no processor of the host to look at: what may
// be is asked for, and what must not be is left out.
func featurePolicy(policy string, kvm bool) string {
	switch {
	case policy == "":
		return "require"
	case policy == "optional" && !kvm:
		return "require"
	case policy == "forbid" && !kvm:
		return "disable"
	}
	return policy
}
