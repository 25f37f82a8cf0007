// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// Template applies an instance type and a preference, of which either may be nil, to the template at path, in
// place. Where there are errors, which are fields that say what the instance type says, it is of no use.
func Template(template *kubevirtv1.VirtualMachineInstanceTemplateSpec, size *instancetypev1.VirtualMachineInstancetypeSpec,
	preference *instancetypev1.VirtualMachinePreferenceSpec, path *field.Path) field.ErrorList {
	if size != nil {
		if errs := conflicts(template, size, path); len(errs) > 0 {
			return errs
		}
		applySize(&template.Spec.Domain, size, preference)
		if size.NodeSelector != nil {
			template.Spec.NodeSelector = maps.Clone(size.NodeSelector)
		}
		annotate(template, size.Annotations)
	}
	if preference != nil {
		applyPreference(&template.Spec, preference)
		annotate(template, preference.Annotations)
	}
	return nil
}

// conflicts returns the fields that are set in the template and in the instance type.
func conflicts(template *kubevirtv1.VirtualMachineInstanceTemplateSpec, size *instancetypev1.VirtualMachineInstancetypeSpec, path *field.Path) field.ErrorList {
	domain, domainPath := &template.Spec.Domain, path.Child("spec", "domain")
	cpu, memory := ptr.Deref(domain.CPU, kubevirtv1.CPU{}), ptr.Deref(domain.Memory, kubevirtv1.Memory{})
	cpuPath, memoryPath := domainPath.Child("cpu"), domainPath.Child("memory")
	var errs field.ErrorList
	refuse := func(conflict bool, path *field.Path, value any) {
		if conflict {
			errs = append(errs, field.Invalid(path, value, fmt.Sprintf("VM field(s) %s conflicts with selected instance type", path)))
		}
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, requested := domain.Resources.Request(name)
		refuse(requested, domainPath.Child("resources", "requests", string(name)), request.String())
		limit, limited := domain.Resources.Limit(name)
		refuse(limited, domainPath.Child("resources", "limits", string(name)), limit.String())
	}
	refuse(ptr.Deref(cpu.Sockets, 0) != 0, cpuPath.Child("sockets"), ptr.Deref(cpu.Sockets, 0))
	refuse(ptr.Deref(cpu.Cores, 0) != 0, cpuPath.Child("cores"), ptr.Deref(cpu.Cores, 0))
	refuse(ptr.Deref(cpu.Threads, 0) != 0, cpuPath.Child("threads"), ptr.Deref(cpu.Threads, 0))
	refuse(ptr.Deref(cpu.Model, "") != "" && size.CPU.Model != nil, cpuPath.Child("model"), ptr.Deref(cpu.Model, ""))
	refuse(ptr.Deref(cpu.DedicatedCPUPlacement, false) && size.CPU.DedicatedCPUPlacement != nil, cpuPath.Child("dedicatedCpuPlacement"), true)
	refuse(ptr.Deref(cpu.IsolateEmulatorThread, false) && size.CPU.IsolateEmulatorThread != nil, cpuPath.Child("isolateEmulatorThread"), true)
	refuse(ptr.Deref(cpu.MaxSockets, 0) != 0 && size.CPU.MaxSockets != nil, cpuPath.Child("maxSockets"), ptr.Deref(cpu.MaxSockets, 0))
	refuse(memory.Guest != nil, memoryPath.Child("guest"), ptr.Deref(memory.Guest, verbatim.Quantity{}).String())
	refuse(memory.Hugepages != nil && size.Memory.Hugepages != nil, memoryPath.Child("hugepages"), memory.Hugepages)
	refuse(memory.MaxGuest != nil && size.Memory.MaxGuest != nil, memoryPath.Child("maxGuest"), ptr.Deref(memory.MaxGuest, verbatim.Quantity{}).String())
	refuse(domain.IOThreadsPolicy != nil && size.IOThreadsPolicy != nil, domainPath.Child("ioThreadsPolicy"), domain.IOThreadsPolicy)
	refuse(template.Spec.NodeSelector != nil && size.NodeSelector != nil, path.Child("spec", "nodeSelector"), template.Spec.NodeSelector)
	for _, key := range slices.Sorted(maps.Keys(size.Annotations)) {
		value, set := template.ObjectMeta.GetAnnotations()[key]
		refuse(set && value != size.Annotations[key], path.Child("metadata", "annotations").Key(key), value)
	}
	return errs
}

func applySize(domain *kubevirtv1.DomainSpec, size *instancetypev1.VirtualMachineInstancetypeSpec, preference *instancetypev1.VirtualMachinePreferenceSpec) {
	if domain.CPU == nil {
		domain.CPU = &kubevirtv1.CPU{}
	}
	setTopology(domain.CPU, size.CPU.Guest, preference)
	if size.CPU.Model != nil {
		domain.CPU.Model = size.CPU.Model
	}
	setTrue(&domain.CPU.DedicatedCPUPlacement, size.CPU.DedicatedCPUPlacement)
	setTrue(&domain.CPU.IsolateEmulatorThread, size.CPU.IsolateEmulatorThread)
	if size.CPU.MaxSockets != nil {
		domain.CPU.MaxSockets = size.CPU.MaxSockets
	}
	if domain.Memory == nil {
		domain.Memory = &kubevirtv1.Memory{}
	}
	domain.Memory.Guest = ptr.To(size.Memory.Guest)
	requestMemory(domain, &size.Memory)
	fill(&domain.Memory.Hugepages, size.Memory.Hugepages)
	if size.Memory.MaxGuest != nil {
		domain.Memory.MaxGuest = ptr.To(*size.Memory.MaxGuest)
	}
	fill(&domain.IOThreadsPolicy, size.IOThreadsPolicy)
}

// requestMemory asks the node for less than the guest sees, where the instance type says so.
func requestMemory(domain *kubevirtv1.DomainSpec, memory *instancetypev1.MemoryInstancetype) {
	percent := ptr.Deref(memory.OvercommitPercent, 0)
	if percent == 0 {
		return
	}
	if domain.Resources == nil {
		domain.Resources = &kubevirtv1.ResourceRequirements{}
	}
	if domain.Resources.Requests == nil {
		domain.Resources.Requests = verbatim.ResourceList{}
	}
	requested := memory.Guest.Value() / 100 * (100 - percent)
	amount := resource.NewQuantity(requested, memory.Guest.Amount().Format)
	domain.Resources.Requests[corev1.ResourceMemory] = verbatim.NewQuantity(*amount)
}

// annotate adds the annotations that the template does not have.
func annotate(template *kubevirtv1.VirtualMachineInstanceTemplateSpec, annotations map[string]string) {
	for key, value := range annotations {
		if _, set := template.ObjectMeta.GetAnnotations()[key]; set {
			continue
		}
		if template.ObjectMeta == nil {
			template.ObjectMeta = &verbatim.ObjectMeta{}
		}
		if template.ObjectMeta.Annotations == nil {
			template.ObjectMeta.Annotations = make(map[string]string, len(annotations))
		}
		template.ObjectMeta.Annotations[key] = value
	}
}

// fill gives *target what is preferred, where it is open. They share it: neither is changed in place.
func fill[T any](target **T, preferred *T) {
	if *target == nil {
		*target = preferred
	}
}

// fillText gives *target what is preferred, where it is open.
func fillText[T ~string](target **T, preferred *T) {
	if ptr.Deref(*target, "") == "" && ptr.Deref(preferred, "") != "" {
		*target = preferred
	}
}

// setTrue sets target where it is wanted. That it is false and that it is not set are one.
func setTrue(target **bool, wanted *bool) {
	if ptr.Deref(wanted, false) {
		*target = wanted
	}
}
