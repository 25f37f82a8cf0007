// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// validateRequirements refuses a machine that has less than the preference requires. Its spec is at path; size,
// which may be nil, and the preference are applied to it. An instance type that does not exist yet is not judged: it is
// what gives the machine its size.
func validateRequirements(size *instancetypev1.VirtualMachineInstancetypeSpec, preference *instancetypev1.VirtualMachinePreferenceSpec,
	spec *kubevirtv1.VirtualMachineInstanceSpec, sized bool, path *field.Path) field.ErrorList {
	if preference == nil || preference.Requirements == nil {
		return nil
	}
	complete := spec.DeepCopy()
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(complete)
	var errs field.ErrorList
	if sized {
		errs = validateRequiredSize(size, preference.Requirements, complete, path)
	}
	if wanted := preference.Requirements.Architecture; wanted != nil && ptr.Deref(complete.Architecture, "") != *wanted {
		errs = append(errs, unmet(path.Child("architecture"), ptr.Deref(complete.Architecture, ""),
			"preference requires architecture %s but %s is being requested", *wanted, ptr.Deref(complete.Architecture, "")))
	}
	return errs
}

func validateRequiredSize(size *instancetypev1.VirtualMachineInstancetypeSpec, required *instancetypev1.PreferenceRequirements,
	spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	cpuPath, memoryPath, by := path.Child("domain", "cpu"), path.Child("domain", "memory"), "VirtualMachine"
	if size != nil {
		cpuPath, memoryPath, by = field.NewPath("spec", "instancetype"), field.NewPath("spec", "instancetype"), "instance type"
	}
	var errs field.ErrorList
	cpu := spec.Domain.CPU
	if count := uint64(ptr.Deref(cpu.Sockets, 0)) * uint64(ptr.Deref(cpu.Cores, 0)) * uint64(ptr.Deref(cpu.Threads, 0)); required.CPU != nil && count < uint64(required.CPU.Guest) {
		errs = append(errs, unmet(cpuPath, count, "insufficient CPU resources of %d vCPU provided by %s, preference requires %d vCPU",
			count, by, required.CPU.Guest))
	}
	var memory verbatim.Quantity
	if spec.Domain.Memory.Guest != nil {
		memory = *spec.Domain.Memory.Guest
	}
	if required.Memory != nil && memory.Cmp(required.Memory.Guest) < 0 {
		errs = append(errs, unmet(memoryPath, memory.String(), "insufficient Memory resources of %s provided by %s, preference requires %s",
			memory.String(), by, required.Memory.Guest.String()))
	}
	return errs
}

// unmet has upstream's type and text.
func unmet(path *field.Path, value any, format string, args ...any) *field.Error {
	return &field.Error{Type: field.ErrorTypeNotFound, Field: path.String(), BadValue: value,
		Detail: "failure checking preference requirements: " + fmt.Sprintf(format, args...)}
}
