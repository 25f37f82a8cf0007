// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	kubevirtvalidation "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
)

// ValidateInstancetypeSpec returns what is wrong with an instance type's spec, which is at path.
func ValidateInstancetypeSpec(spec *instancetypev1.VirtualMachineInstancetypeSpec, path *field.Path) field.ErrorList {
	errs := apivalidation.ValidateAnnotations(spec.Annotations, path.Child("annotations"))
	if spec.CPU.Guest == 0 {
		errs = append(errs, field.Required(path.Child("cpu", "guest"), "how many processors the guest has, for example 2"))
	}
	if spec.Memory.Guest.Sign() <= 0 {
		errs = append(errs, field.Required(path.Child("memory", "guest"), "the memory that the guest has, for example 2Gi"))
	}
	if len(errs) > 0 {
		return errs
	}
	return try(&kubevirtv1.VirtualMachineInstanceTemplateSpec{}, spec, nil, path)
}

// ValidatePreferenceSpec returns what is wrong with a preference's spec, which is at path.
func ValidatePreferenceSpec(spec *instancetypev1.VirtualMachinePreferenceSpec, path *field.Path) field.ErrorList {
	errs := apivalidation.ValidateAnnotations(spec.Annotations, path.Child("annotations"))
	errs = append(errs, validateTopology(spec, path.Child("cpu"))...)
	if len(errs) > 0 {
		return errs
	}
	return try(sample(), nil, spec, path)
}

// validateTopology has upstream's paths.
func validateTopology(spec *instancetypev1.VirtualMachinePreferenceSpec, path *field.Path) field.ErrorList {
	topology := expand.Topology(spec)
	switch topology {
	case instancetypev1.Sockets, instancetypev1.Cores, instancetypev1.Threads, instancetypev1.Any:
		return nil
	case instancetypev1.Spread:
	default:
		return field.ErrorList{field.Invalid(path.Child("preferredCPUTopology"), topology,
			fmt.Sprintf("unknown preferredCPUTopology %s; must be sockets, cores, threads, spread or any", topology))}
	}
	across, ratio := expand.Spread(spec)
	ratioPath := path.Child("spreadOptions", "ratio")
	switch across {
	case instancetypev1.SpreadAcrossSocketsCores, instancetypev1.SpreadAcrossSocketsCoresThreads:
	case instancetypev1.SpreadAcrossCoresThreads:
		if ratio != 2 {
			return field.ErrorList{field.Invalid(ratioPath, ratio,
				"only a ratio of 2 (1 core 2 threads) is allowed when spreading vCPUs over cores and threads")}
		}
	default:
		return field.ErrorList{field.Invalid(path.Child("spreadOptions", "across"), across,
			fmt.Sprintf("across %s is not supported; must be SocketsCores, SocketsCoresThreads or CoresThreads", across))}
	}
	if ratio == 0 {
		return field.ErrorList{field.Invalid(ratioPath, ratio, "must be 1 or more")}
	}
	return nil
}

// try says what is wrong with a machine of that template that has nothing else wrong with it.
func try(template *kubevirtv1.VirtualMachineInstanceTemplateSpec, size *instancetypev1.VirtualMachineInstancetypeSpec,
	preference *instancetypev1.VirtualMachinePreferenceSpec, path *field.Path) field.ErrorList {
	errs := expand.Template(template, size, preference, field.NewPath("template"))
	if len(errs) == 0 {
		kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&template.Spec)
		errs = kubevirtvalidation.ValidateVirtualMachineInstanceSpec(&template.Spec, field.NewPath("template", "spec"))
	}
	for i, err := range errs {
		errs[i] = field.Invalid(path, err.BadValue, "a machine with it would be refused: "+err.Error())
	}
	return errs
}

// sample has one of each device that there are preferences for, and all that any of them needs besides.
func sample() *kubevirtv1.VirtualMachineInstanceTemplateSpec {
	template := &kubevirtv1.VirtualMachineInstanceTemplateSpec{}
	volume := func(name string) kubevirtv1.Volume {
		return kubevirtv1.Volume{Name: name, VolumeSource: kubevirtv1.VolumeSource{
			EmptyDisk: &kubevirtv1.EmptyDiskSource{Capacity: resource.MustParse("1Gi")}}}
	}
	claim := kubevirtv1.Volume{Name: "lun", VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "lun"}}}
	template.Spec.Volumes = []kubevirtv1.Volume{volume("disk"), volume("cdrom"), claim}
	domain := &template.Spec.Domain
	domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(resource.MustParse("1Gi"))}
	domain.Features = &kubevirtv1.Features{SMM: &kubevirtv1.FeatureState{}}
	domain.Devices = kubevirtv1.Devices{
		Disks: []kubevirtv1.Disk{
			{Name: "disk"},
			{Name: "cdrom", DiskDevice: kubevirtv1.DiskDevice{CDRom: &kubevirtv1.CDRomTarget{}}},
			{Name: "lun", DiskDevice: kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{}}},
		},
		Inputs:       []kubevirtv1.Input{{Name: "input"}},
		PanicDevices: []kubevirtv1.PanicDevice{{}},
		Sound:        &kubevirtv1.SoundDevice{Name: "sound"},
	}
	return template
}
