// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// Machine returns what vm's instances are made from: a copy of vm in which the instance type and the preference
// that its status holds (see Pin) are applied to the spec, and vm itself where it refers to neither. Those that
// the status does not hold, because they do not exist yet, are not applied. The errors are what conflicts, and what
// no node gives.
func Machine(vm *kubevirtv1.VirtualMachine) (*kubevirtv1.VirtualMachine, field.ErrorList) {
	return expanded(vm, unsupported)
}

// Shown returns what Machine does, also of a machine that no node can run.
func Shown(vm *kubevirtv1.VirtualMachine) (*kubevirtv1.VirtualMachine, field.ErrorList) {
	return expanded(vm, func(*kubevirtv1.VirtualMachineInstanceTemplateSpec, *instancetypev1.VirtualMachineInstancetypeSpec,
		*instancetypev1.VirtualMachinePreferenceSpec) field.ErrorList {
		return nil
	})
}

// refuse judges a template and what is to be applied to it.
type refuse func(*kubevirtv1.VirtualMachineInstanceTemplateSpec, *instancetypev1.VirtualMachineInstancetypeSpec,
	*instancetypev1.VirtualMachinePreferenceSpec) field.ErrorList

func expanded(vm *kubevirtv1.VirtualMachine, refuse refuse) (*kubevirtv1.VirtualMachine, field.ErrorList) {
	if vm.Spec.Instancetype == nil && vm.Spec.Preference == nil || vm.Spec.Template == nil {
		return vm, nil
	}
	size, err := decode[instancetypev1.VirtualMachineInstancetypeSpec](instancetypeOf(vm))
	if err != nil {
		return nil, field.ErrorList{field.InternalError(field.NewPath("status", "instancetypeRef"), err)}
	}
	preference, err := decode[instancetypev1.VirtualMachinePreferenceSpec](preferenceOf(vm))
	if err != nil {
		return nil, field.ErrorList{field.InternalError(field.NewPath("status", "preferenceRef"), err)}
	}
	expanded := vm.DeepCopy()
	if replacesMemory(vm) {
		expanded.Spec.Template.Spec.Domain.Memory = nil
	}
	r := instancetypeOf(vm)
	if errs := apply(expanded, size, preference, r == nil || r.Pinned()); len(errs) > 0 {
		return nil, errs
	}
	if errs := refuse(vm.Spec.Template, size, preference); len(errs) > 0 {
		return nil, errs
	}
	return expanded, nil
}

// replacesMemory says whether the template's memory was for the case only that no instance type could be inferred.
func replacesMemory(vm *kubevirtv1.VirtualMachine) bool {
	r := instancetypeOf(vm)
	return r != nil && r.inferred() && r.Ignores()
}

// apply applies both, of which either may be nil, to vm in place. sized says whether nothing more of its size is to come
// from an instance type that does not exist yet.
func apply(vm *kubevirtv1.VirtualMachine, size *instancetypev1.VirtualMachineInstancetypeSpec,
	preference *instancetypev1.VirtualMachinePreferenceSpec, sized bool) field.ErrorList {
	path := field.NewPath("spec", "template")
	if size != nil {
		if errs := validateSpread(size.CPU.Guest, preference); len(errs) > 0 {
			return errs
		}
	}
	if errs := Template(vm.Spec.Template, size, preference, path); len(errs) > 0 {
		return errs
	}
	applyStorageClass(vm.Spec.DataVolumeTemplates, preference)
	return validateRequirements(size, preference, &vm.Spec.Template.Spec, sized, path.Child("spec"))
}

// Judged returns what vm is judged as when it is written: what Machine returns where the instance type exists.
// One that does not exist yet is taken for a small one. Whatever it will be like, it gives processors and memory.
func Judged(vm *kubevirtv1.VirtualMachine) (*kubevirtv1.VirtualMachine, field.ErrorList) {
	if r := instancetypeOf(vm); r == nil || vm.Spec.Template == nil || r.Pinned() {
		return Machine(vm)
	}
	expanded, errs := Machine(vm)
	if len(errs) > 0 {
		return nil, errs
	}
	if errs := Template(expanded.Spec.Template, small(), nil, field.NewPath("spec", "template")); len(errs) > 0 {
		return nil, errs
	}
	return expanded, nil
}

func small() *instancetypev1.VirtualMachineInstancetypeSpec {
	return &instancetypev1.VirtualMachineInstancetypeSpec{
		CPU:    instancetypev1.CPUInstancetype{Guest: 1},
		Memory: instancetypev1.MemoryInstancetype{Guest: verbatim.MustParse("1Gi")},
	}
}

// decode returns the spec that the status holds of a reference, or nil where it holds none. The reference may be nil.
func decode[Spec any](r *Reference) (*Spec, error) {
	if r == nil {
		return nil, nil
	}
	ref := r.held()
	if ref == nil || ref.Spec == nil {
		return nil, nil
	}
	spec := new(Spec)
	if err := json.Unmarshal(ref.Spec.Raw, spec); err != nil {
		return nil, fmt.Errorf("decode the spec that is kept of %s %s: %w", ref.Kind, ref.Name, err)
	}
	return spec, nil
}

// applyStorageClass has the DataVolumes of the preferred class that name none.
func applyStorageClass(templates []kubevirtv1.DataVolumeTemplateSpec, preference *instancetypev1.VirtualMachinePreferenceSpec) {
	if preference == nil || preference.Volumes == nil || ptr.Deref(preference.Volumes.PreferredStorageClassName, "") == "" {
		return
	}
	for i := range templates {
		spec := &templates[i].Spec
		if spec.PVC != nil && spec.PVC.StorageClassName == nil {
			spec.PVC.StorageClassName = preference.Volumes.PreferredStorageClassName
		}
		if spec.Storage != nil && spec.Storage.StorageClassName == nil {
			spec.Storage.StorageClassName = preference.Volumes.PreferredStorageClassName
		}
	}
}
