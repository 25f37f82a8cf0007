// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"maps"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

const (
	maxVCPUs = kubevirtv1.MaxVCPUs
	// minRequest is the least that may be requested of memory.
	minRequest = 1_000_000
	// minMemory is what a guest must have at least.
	minMemory = 1 << 20
	// maxMemory is more than any host has, and far from overflowing libvirt's KiB.
	maxMemory = 64 << 40
)

var (
	// Which versions there are depends on the node's QEMU; distributions have some of their own.
	machineTypes = regexp.MustCompile(`^(q35|pc-q35-[a-z0-9]+(\.[a-z0-9]+){0,3})$`)
	cpuModels    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]{0,62}$`)
	// Serial numbers as upstream allows them.
	serials = regexp.MustCompile(`^[A-Za-z0-9_.+-]{1,256}$`)
)

func validateDomain(domain *kubevirtv1.DomainSpec, path *field.Path) field.ErrorList {
	errs := validateResources(domain.Resources, path.Child("resources"))
	errs = append(errs, validateCPU(domain.CPU, path.Child("cpu"))...)
	errs = append(errs, validateMemory(domain, path.Child("memory"))...)
	if !machineTypes.MatchString(ptr.Deref(domain.Machine.Type, "")) {
		errs = append(errs, field.Invalid(path.Child("machine", "type"), ptr.Deref(domain.Machine.Type, ""), "must be q35 or a versioned pc-q35 name such as pc-q35-7.2"))
	}
	errs = append(errs, validateFirmware(domain, path.Child("firmware"))...)
	errs = append(errs, validateChassis(domain.Chassis, path.Child("chassis"))...)
	errs = append(errs, validateClock(domain.Clock, path.Child("clock"))...)
	if policy := domain.IOThreadsPolicy; policy != nil {
		errs = append(errs, among(path.Child("ioThreadsPolicy"), *policy, ioThreadPolicies)...)
	}
	errs = append(errs, validatePeripherals(&domain.Devices, path.Child("devices"))...)
	return append(errs, validateFeatures(domain, path)...)
}

func validateResources(resources *kubevirtv1.ResourceRequirements, path *field.Path) field.ErrorList {
	if resources == nil {
		return nil
	}
	var errs field.ErrorList
	errs = append(errs, validateResourceList(resources.Requests, path.Child("requests"))...)
	errs = append(errs, validateResourceList(resources.Limits, path.Child("limits"))...)
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, requested := resources.Requests[name]
		limit, limited := resources.Limits[name]
		if requested && limited && request.Cmp(limit) > 0 {
			errs = append(errs, field.Invalid(path.Child("requests", string(name)), request.String(), "must be less than or equal to the limit, "+limit.String()))
		}
	}
	return errs
}

func validateResourceList(list verbatim.ResourceList, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(list)) {
		quantity := list[name]
		if name != corev1.ResourceCPU && name != corev1.ResourceMemory {
			errs = append(errs, field.NotSupported(path, name, []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}))
		}
		switch {
		case quantity.Sign() < 0:
			errs = append(errs, field.Invalid(path.Child(string(name)), quantity.String(), "must be greater than or equal to 0"))
		case name == corev1.ResourceMemory && quantity.Sign() > 0 && quantity.CmpInt64(minRequest) < 0:
			errs = append(errs, field.Invalid(path.Child(string(name)), quantity.String(), "must be greater than or equal to 1M"))
		}
	}
	return errs
}
