// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	// maxVCPUs is what q35 takes without an emulated IOMMU.
	maxVCPUs = 255
	// minMemory is what a guest must have at least.
	minMemory = 1 << 20
	// maxMemory is more than any host has, and far from overflowing libvirt's KiB.
	maxMemory = 64 << 40
)

var (
	machineTypes = regexp.MustCompile(`^(q35|pc-q35-[0-9]+(\.[0-9]+){1,2})$`)
	cpuModels    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]{0,62}$`)
	// Serial numbers as upstream allows them.
	serials = regexp.MustCompile(`^[A-Za-z0-9_.+-]{1,256}$`)
)

func validateDomain(domain *kubevirtv1.DomainSpec, path *field.Path) field.ErrorList {
	errs := validateResources(&domain.Resources, path.Child("resources"))
	errs = append(errs, validateCPU(domain.CPU, path.Child("cpu"))...)
	errs = append(errs, validateMemory(domain, path.Child("memory", "guest"))...)
	if !machineTypes.MatchString(domain.Machine.Type) {
		errs = append(errs, field.Invalid(path.Child("machine", "type"), domain.Machine.Type, "must be q35 or a versioned pc-q35 name such as pc-q35-7.2"))
	}
	return append(errs, validateFirmware(domain, path.Child("firmware"))...)
}

func validateResources(resources *kubevirtv1.ResourceRequirements, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for kind, list := range map[string]corev1.ResourceList{"requests": resources.Requests, "limits": resources.Limits} {
		for name, quantity := range list {
			if name != corev1.ResourceCPU && name != corev1.ResourceMemory {
				errs = append(errs, field.NotSupported(path.Child(kind), name, []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}))
			}
			if quantity.Sign() < 0 {
				errs = append(errs, field.Invalid(path.Child(kind, string(name)), quantity.String(), "must be greater than or equal to 0"))
			}
		}
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, requested := resources.Requests[name]
		limit, limited := resources.Limits[name]
		if requested && limited && request.Cmp(limit) > 0 {
			errs = append(errs, field.Invalid(path.Child("requests", string(name)), request.String(), "must be less than or equal to the limit, "+limit.String()))
		}
	}
	return errs
}

func validateCPU(cpu *kubevirtv1.CPU, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !cpuModels.MatchString(cpu.Model) {
		errs = append(errs, field.Invalid(path.Child("model"), cpu.Model, "must be host-model, host-passthrough or the name of a CPU model, such as Westmere"))
	}
	// Each factor is bounded first, so that the product cannot overflow.
	for name, count := range map[string]uint32{"cores": cpu.Cores, "sockets": cpu.Sockets, "threads": cpu.Threads} {
		if count > maxVCPUs {
			return append(errs, field.Invalid(path.Child(name), count, "a guest has at most 255 virtual CPUs"))
		}
	}
	if total := cpu.Cores * cpu.Sockets * cpu.Threads; total > maxVCPUs {
		errs = append(errs, field.Invalid(path, total, "sockets × cores × threads is at most 255"))
	}
	return errs
}

func validateMemory(domain *kubevirtv1.DomainSpec, path *field.Path) field.ErrorList {
	guest := domain.Memory.Guest
	if guest == nil {
		return field.ErrorList{field.Required(path, "no memory requested; give domain.memory.guest, for example 1Gi")}
	}
	if guest.CmpInt64(minMemory) < 0 || guest.CmpInt64(maxMemory) > 0 {
		return field.ErrorList{field.Invalid(path, guest.String(), "must be between 1Mi and 64Ti")}
	}
	if limit, ok := domain.Resources.Limits[corev1.ResourceMemory]; ok && guest.Cmp(limit) > 0 {
		return field.ErrorList{field.Invalid(path, guest.String(), "must be equal to or less than the memory limit, "+limit.String())}
	}
	return nil
}

func validateFirmware(domain *kubevirtv1.DomainSpec, path *field.Path) field.ErrorList {
	firmware := domain.Firmware
	if firmware == nil {
		return nil
	}
	var errs field.ErrorList
	if id := string(firmware.UUID); id != "" && (len(id) != 36 || uuid.Validate(id) != nil) {
		errs = append(errs, field.Invalid(path.Child("uuid"), id, "must be a UUID such as 5d307ca9-b3ef-428c-8861-06e72d69f223"))
	}
	if firmware.Serial != "" && !serials.MatchString(firmware.Serial) {
		errs = append(errs, field.Invalid(path.Child("serial"), firmware.Serial, "must be 1 to 256 letters, digits or _ . + -"))
	}
	boot := firmware.Bootloader
	if boot == nil {
		return errs
	}
	path = path.Child("bootloader")
	if boot.BIOS != nil && boot.EFI != nil {
		errs = append(errs, field.Invalid(path, "bios, efi", "has both EFI and BIOS configured, but they are mutually exclusive"))
	}
	if boot.EFI != nil && ptr.Deref(boot.EFI.SecureBoot, true) && !enabled(domain.Features.SMM) {
		errs = append(errs, field.Invalid(path.Child("efi", "secureBoot"), true,
			"has EFI SecureBoot enabled, which requires SMM: set domain.features.smm.enabled to true, or secureBoot to false"))
	}
	return errs
}

func enabled(feature *kubevirtv1.FeatureState) bool {
	return feature != nil && ptr.Deref(feature.Enabled, true)
}
