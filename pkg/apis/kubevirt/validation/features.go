// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// minSpinlockRetries is what Hyper-V has at the least.
const minSpinlockRetries = 4095

var hypervVendors = regexp.MustCompile(`^[A-Za-z0-9 _.-]{1,12}$`)

// validateFeatures takes the path of the domain: CPU features matter, too.
func validateFeatures(domain *kubevirtv1.DomainSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	features, featuresPath := domain.Features, path.Child("features")
	if features.APIC != nil && !ptr.Deref(features.APIC.Enabled, true) {
		errs = append(errs, field.Invalid(featuresPath.Child("apic", "enabled"), false, "machines of type q35 have an APIC always; leave it out, or set it to true"))
	}
	if features.Hyperv == nil {
		return errs
	}
	featuresPath = featuresPath.Child("hyperv")
	if features.HypervPassthrough != nil {
		errs = append(errs, field.Invalid(featuresPath, "hyperv, hypervPassthrough",
			"Hyper-V features can't be set while hypervPassthrough is used; use one of the two"))
	}
	errs = append(errs, validateHypervDependencies(features.Hyperv, featuresPath)...)
	errs = append(errs, validateHypervValues(features.Hyperv, featuresPath)...)
	if features.Hyperv.EVMCS.On() {
		errs = append(errs, validateEVMCS(domain.CPU, path.Child("cpu", "features"))...)
	}
	return errs
}

// validateHypervDependencies finds what was switched off and is needed; what was left open the defaults have
// switched on.
func validateHypervDependencies(hyperv *kubevirtv1.FeatureHyperv, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, dependency := range []struct {
		name, needs   string
		on, satisfied bool
	}{
		{"evmcs", "vapic", hyperv.EVMCS.On(), hyperv.VAPIC.On()},
		{"ipi", "vpindex", hyperv.IPI.On(), hyperv.VPIndex.On()},
		{"tlbflush", "vpindex", hyperv.TLBFlush.On(), hyperv.VPIndex.On()},
		{"synictimer", "synic", hyperv.SyNICTimer != nil && ptr.Deref(hyperv.SyNICTimer.Enabled, true), hyperv.SyNIC.On()},
		{"synic", "vpindex", hyperv.SyNIC.On(), hyperv.VPIndex.On()},
	} {
		if dependency.on && !dependency.satisfied {
			errs = append(errs, field.Invalid(path.Child(dependency.name), true,
				path.Child(dependency.name).String()+" requires "+path.Child(dependency.needs).String()+", which is disabled"))
		}
	}
	return errs
}

func validateHypervValues(hyperv *kubevirtv1.FeatureHyperv, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if locks := hyperv.Spinlocks; locks != nil && locks.Retries != nil && *locks.Retries < minSpinlockRetries {
		errs = append(errs, field.Invalid(path.Child("spinlocks", "spinlocks"), *locks.Retries, "must be 4095 or more"))
	}
	if vendor := hyperv.VendorID; vendor != nil && ptr.Deref(vendor.Enabled, true) && !hypervVendors.MatchString(ptr.Deref(vendor.VendorID, "")) {
		errs = append(errs, field.Invalid(path.Child("vendorid", "vendorid"), ptr.Deref(vendor.VendorID, ""), "must be 1 to 12 letters, digits, spaces or _ . -"))
	}
	return errs
}

func validateEVMCS(cpu *kubevirtv1.CPU, path *field.Path) field.ErrorList {
	vmx := slices.IndexFunc(cpu.Features, func(f kubevirtv1.CPUFeature) bool { return f.Name == "vmx" })
	if vmx < 0 {
		return field.ErrorList{field.Required(path, "the CPU feature vmx is required where evmcs is set")}
	}
	if policy := ptr.Deref(cpu.Features[vmx].Policy, ""); policy != "require" {
		return field.ErrorList{field.Invalid(path.Index(vmx).Child("policy"), policy, "the CPU feature vmx must have the policy require where evmcs is set")}
	}
	return nil
}
