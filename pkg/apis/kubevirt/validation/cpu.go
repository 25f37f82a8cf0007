// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

var (
	cpuFeatures        = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)
	cpuFeaturePolicies = []string{"force", "require", "optional", "disable", "forbid"}
)

func validateCPU(cpu *kubevirtv1.CPU, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !cpuModels.MatchString(ptr.Deref(cpu.Model, "")) {
		errs = append(errs, field.Invalid(path.Child("model"), ptr.Deref(cpu.Model, ""), "must be host-model, host-passthrough or the name of a CPU model, such as Westmere"))
	}
	errs = append(errs, refuseDedicated(cpu, path)...)
	// Each factor is bounded first, so that the product cannot overflow.
	bounded := true
	for _, factor := range []struct {
		name  string
		count uint32
	}{{"cores", ptr.Deref(cpu.Cores, 0)}, {"maxSockets", ptr.Deref(cpu.MaxSockets, 0)}, {"sockets", ptr.Deref(cpu.Sockets, 0)}, {"threads", ptr.Deref(cpu.Threads, 0)}} {
		if factor.count > maxVCPUs {
			errs, bounded = append(errs, field.Invalid(path.Child(factor.name), factor.count, "a guest has at most 255 virtual CPUs")), false
		}
	}
	if !bounded {
		return errs
	}
	if total := ptr.Deref(cpu.Cores, 0) * ptr.Deref(cpu.Sockets, 0) * ptr.Deref(cpu.Threads, 0); total > maxVCPUs {
		errs = append(errs, field.Invalid(path, total, "sockets × cores × threads is at most 255"))
	} else if total := ptr.Deref(cpu.Cores, 0) * ptr.Deref(cpu.MaxSockets, 0) * ptr.Deref(cpu.Threads, 0); total > maxVCPUs {
		errs = append(errs, field.Invalid(path.Child("maxSockets"), ptr.Deref(cpu.MaxSockets, 0), "maxSockets × cores × threads is at most 255"))
	}
	if ptr.Deref(cpu.Sockets, 0) > ptr.Deref(cpu.MaxSockets, 0) {
		errs = append(errs, field.Invalid(path.Child("sockets"), ptr.Deref(cpu.Sockets, 0), fmt.Sprintf("must be at most maxSockets, %d", ptr.Deref(cpu.MaxSockets, 0))))
	}
	return append(errs, validateCPUFeatures(cpu.Features, path.Child("features"))...)
}

// refuseDedicated says why no guest has processors of its own.
func refuseDedicated(cpu *kubevirtv1.CPU, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if ptr.Deref(cpu.DedicatedCPUPlacement, false) {
		errs = append(errs, field.Invalid(path.Child("dedicatedCpuPlacement"), true, "no node sets processors aside for guests; leave it out"))
	}
	if ptr.Deref(cpu.IsolateEmulatorThread, false) {
		errs = append(errs, field.Invalid(path.Child("isolateEmulatorThread"), true, "isolateEmulatorThread is only for dedicated processors, which no node sets aside; leave it out"))
	}
	return errs
}

func validateCPUFeatures(features []kubevirtv1.CPUFeature, path *field.Path) field.ErrorList {
	if len(features) > maxItems {
		return field.ErrorList{field.TooMany(path, len(features), maxItems)}
	}
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, feature := range features {
		path := path.Index(i)
		if !cpuFeatures.MatchString(feature.Name) {
			errs = append(errs, field.Invalid(path.Child("name"), feature.Name, "must be the name of a CPU feature as libvirt has it, such as vmx"))
		}
		if seen[feature.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), feature.Name))
		}
		seen[feature.Name] = true
		if ptr.Deref(feature.Policy, "") != "" {
			errs = append(errs, oneOf(path.Child("policy"), ptr.Deref(feature.Policy, ""), cpuFeaturePolicies)...)
		}
	}
	return errs
}
