// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"slices"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	kubevirtvalidation "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// ValidateInstancetypeSpec returns what is wrong with an instance type's spec, which is at path. What no node gives is
// not wrong: catalogues are for many kinds of nodes.
func ValidateInstancetypeSpec(spec *instancetypev1.VirtualMachineInstancetypeSpec, path *field.Path) field.ErrorList {
	errs := apivalidation.ValidateAnnotations(spec.Annotations, path.Child("annotations"))
	if spec.Memory.Guest.Sign() < 0 {
		errs = append(errs, field.Invalid(path.Child("memory", "guest"), spec.Memory.Guest.String(), "must be 0 or more, for example 2Gi"))
	}
	errs = append(errs, validateOvercommit(&spec.Memory, path.Child("memory", "overcommitPercent"))...)
	errs = append(errs, validateDevices(spec, path)...)
	if len(errs) > 0 {
		return errs
	}
	return try(&kubevirtv1.VirtualMachineInstanceTemplateSpec{}, runnable(spec), nil, path)
}

// runnable is spec without what no node gives.
func runnable(spec *instancetypev1.VirtualMachineInstancetypeSpec) *instancetypev1.VirtualMachineInstancetypeSpec {
	copied := spec.DeepCopy()
	if copied.CPU.Guest == 0 {
		copied.CPU.Guest = 1
	}
	if copied.Memory.Guest.Sign() == 0 {
		copied.Memory.Guest, copied.Memory.MaxGuest = verbatim.MustParse("1Gi"), nil
	}
	copied.CPU.DedicatedCPUPlacement, copied.CPU.IsolateEmulatorThread = nil, nil
	if copied.IOThreads != nil {
		copied.IOThreadsPolicy = nil // it may be supplementalPool
	}
	return copied
}

// validateOvercommit has upstream's rules.
func validateOvercommit(memory *instancetypev1.MemoryInstancetype, path *field.Path) field.ErrorList {
	percent := ptr.Deref(memory.OvercommitPercent, 0)
	switch {
	case percent < 0 || percent > 100:
		return field.ErrorList{field.Invalid(path, percent, "must be from 0 to 100")}
	case percent > 0 && memory.Hugepages != nil:
		return field.ErrorList{field.Invalid(path, percent, "huge pages can't be overcommitted; remove overcommitPercent or hugepages")}
	}
	return nil
}

// validateDevices wants what upstream's schema does.
func validateDevices(spec *instancetypev1.VirtualMachineInstancetypeSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	check := func(path *field.Path, name, device string) {
		if name == "" {
			errs = append(errs, field.Required(path.Child("name"), "the name of the device in the guest"))
		}
		if device == "" {
			errs = append(errs, field.Required(path.Child("deviceName"), "the name of the device on the node"))
		}
	}
	for i, gpu := range spec.GPUs {
		check(path.Child("gpus").Index(i), gpu.Name, gpu.DeviceName)
	}
	for i, device := range spec.HostDevices {
		check(path.Child("hostDevices").Index(i), device.Name, device.DeviceName)
	}
	return errs
}

// architectures are those that upstream knows.
var architectures = []string{"amd64", "arm64", "s390x"}

// ValidatePreferenceSpec returns what is wrong with a preference's spec, which is at path. What no node gives is not
// wrong.
func ValidatePreferenceSpec(spec *instancetypev1.VirtualMachinePreferenceSpec, path *field.Path) field.ErrorList {
	errs := apivalidation.ValidateAnnotations(spec.Annotations, path.Child("annotations"))
	errs = append(errs, validateTopology(spec, path.Child("cpu"))...)
	if name := spec.PreferredArchitecture; name != nil && !slices.Contains(architectures, *name) {
		errs = append(errs, field.NotSupported(path.Child("preferredArchitecture"), *name, architectures))
	}
	if len(errs) > 0 {
		return errs
	}
	tried := spec.DeepCopy()
	tried.PreferredArchitecture = nil
	return try(sample(), nil, tried, path)
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
			EmptyDisk: &kubevirtv1.EmptyDiskSource{Capacity: verbatim.MustParse("1Gi")}}}
	}
	claim := kubevirtv1.Volume{Name: "lun", VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "lun"}}}
	template.Spec.Volumes = []kubevirtv1.Volume{volume("disk"), volume("cdrom"), claim}
	domain := &template.Spec.Domain
	domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("1Gi"))}
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
