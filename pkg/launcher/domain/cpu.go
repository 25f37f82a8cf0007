// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"errors"
	"fmt"

	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const maxVCPUs = kubevirtv1.MaxVCPUs

// countVCPUs returns how many processors the guest starts with, and how many it may get.
func countVCPUs(cpu *kubevirtv1.CPU) (now, most uint, err error) {
	if cpu == nil || ptr.Deref(cpu.Sockets, 0) == 0 || ptr.Deref(cpu.Cores, 0) == 0 || ptr.Deref(cpu.Threads, 0) == 0 {
		return 0, 0, errors.New("spec.domain.cpu: sockets, cores and threads are needed")
	}
	sockets := maxSockets(cpu)
	for _, n := range []uint32{sockets, ptr.Deref(cpu.Cores, 0), ptr.Deref(cpu.Threads, 0)} {
		if n > maxVCPUs {
			return 0, 0, fmt.Errorf("spec.domain.cpu: more than %d virtual CPUs", maxVCPUs)
		}
	}
	each := uint(ptr.Deref(cpu.Cores, 0)) * uint(ptr.Deref(cpu.Threads, 0))
	if most = uint(sockets) * each; most > maxVCPUs {
		return 0, 0, fmt.Errorf("spec.domain.cpu: %d virtual CPUs, the most is %d", most, maxVCPUs)
	}
	return uint(ptr.Deref(cpu.Sockets, 0)) * each, most, nil
}

// maxSockets are those that the guest may get; an instance from before there were any has what it has.
func maxSockets(cpu *kubevirtv1.CPU) uint32 {
	return max(ptr.Deref(cpu.Sockets, 0), ptr.Deref(cpu.MaxSockets, 0))
}

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
		Sockets: int(maxSockets(cpu)), Dies: 1, Cores: int(ptr.Deref(cpu.Cores, 0)), Threads: int(ptr.Deref(cpu.Threads, 0)),
	}}
	host := ptr.Deref(cpu.Model, "") == "" || ptr.Deref(cpu.Model, "") == "host-model" || ptr.Deref(cpu.Model, "") == "host-passthrough"
	switch {
	case host && !kvm:
		out.Mode = "maximum"
	case ptr.Deref(cpu.Model, "") == "host-passthrough":
		out.Mode = "host-passthrough"
	case host:
		out.Mode = "host-model"
	default:
		out.Mode, out.Match = "custom", "exact"
		out.Model = &libvirtxml.DomainCPUModel{Value: ptr.Deref(cpu.Model, ""), Fallback: "allow"}
		if !kvm {
			out.Check = "none" // QEMU leaves out what it can't emulate
		}
	}
	for _, feature := range cpu.Features {
		out.Features = append(out.Features, libvirtxml.DomainCPUFeature{Name: feature.Name, Policy: featurePolicy(ptr.Deref(feature.Policy, ""), kvm)})
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
