// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation/field"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

var (
	cpuFeatures        = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)
	cpuFeaturePolicies = []string{"force", "require", "optional", "disable", "forbid"}
)

func validateCPU(cpu *kubevirtv1.CPU, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !cpuModels.MatchString(cpu.Model) {
		errs = append(errs, field.Invalid(path.Child("model"), cpu.Model, "must be host-model, host-passthrough or the name of a CPU model, such as Westmere"))
	}
	errs = append(errs, refuseDedicated(cpu, path)...)
	// Each factor is bounded first, so that the product cannot overflow.
	bounded := true
	for _, factor := range []struct {
		name  string
		count uint32
	}{{"cores", cpu.Cores}, {"maxSockets", cpu.MaxSockets}, {"sockets", cpu.Sockets}, {"threads", cpu.Threads}} {
		if factor.count > maxVCPUs {
			errs, bounded = append(errs, field.Invalid(path.Child(factor.name), factor.count, "a guest has at most 255 virtual CPUs")), false
		}
	}
	if !bounded {
		return errs
	}
	if total := cpu.Cores * cpu.Sockets * cpu.Threads; total > maxVCPUs {
		errs = append(errs, field.Invalid(path, total, "sockets × cores × threads is at most 255"))
	} else if total := cpu.Cores * cpu.MaxSockets * cpu.Threads; total > maxVCPUs {
		errs = append(errs, field.Invalid(path.Child("maxSockets"), cpu.MaxSockets, "maxSockets × cores × threads is at most 255"))
	}
	if cpu.Sockets > cpu.MaxSockets {
		errs = append(errs, field.Invalid(path.Child("sockets"), cpu.Sockets, fmt.Sprintf("must be at most maxSockets, %d", cpu.MaxSockets)))
	}
	return append(errs, validateCPUFeatures(cpu.Features, path.Child("features"))...)
}

// refuseDedicated says why no guest has processors of its own.
func refuseDedicated(cpu *kubevirtv1.CPU, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if cpu.DedicatedCPUPlacement {
		errs = append(errs, field.Invalid(path.Child("dedicatedCpuPlacement"), true, "no node sets processors aside for guests; leave it out"))
	}
	if cpu.IsolateEmulatorThread {
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
		if feature.Policy != "" {
			errs = append(errs, oneOf(path.Child("policy"), feature.Policy, cpuFeaturePolicies)...)
		}
	}
	return errs
}
