// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"

	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/liveupdate"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

var evictionStrategies = []kubevirtv1.EvictionStrategy{
	kubevirtv1.EvictionStrategyNone, kubevirtv1.EvictionStrategyLiveMigrate,
	kubevirtv1.EvictionStrategyLiveMigrateIfPossible, kubevirtv1.EvictionStrategyExternal,
}

// ValidateVirtualMachineInstance returns what is wrong with an instance whose defaults are filled in.
func ValidateVirtualMachineInstance(vmi *kubevirtv1.VirtualMachineInstance) field.ErrorList {
	errs := validateName(vmi.Name)
	errs = append(errs, validateRefusedAnnotations(vmi.Annotations, field.NewPath("metadata", "annotations"))...)
	return append(errs, ValidateVirtualMachineInstanceSpec(&vmi.Spec, field.NewPath("spec"))...)
}

// ValidateVirtualMachineInstanceUpdate lets nothing change but what a running guest takes (see liveupdate), and
// the grace period, which may become shorter.
func ValidateVirtualMachineInstanceUpdate(vmi, old *kubevirtv1.VirtualMachineInstance) field.ErrorList {
	path := field.NewPath("spec")
	changed := vmi.Spec.DeepCopy()
	changed.TerminationGracePeriodSeconds = old.Spec.TerminationGracePeriodSeconds
	if _, fixed := liveupdate.Plan(old, changed); len(fixed) > 0 {
		return field.ErrorList{field.Forbidden(path, "update of VMI object is restricted: "+strings.Join(fixed, ", ")+
			" can't change to that while the instance runs; change the VirtualMachine and restart it")}
	}
	if !verbatim.Equal(vmi.Spec.Volumes, old.Spec.Volumes) {
		if errs := ValidateVirtualMachineInstanceSpec(&vmi.Spec, path); len(errs) > 0 {
			return errs
		}
	}
	grace, oldGrace := ptr.Deref(vmi.Spec.TerminationGracePeriodSeconds, 0), ptr.Deref(old.Spec.TerminationGracePeriodSeconds, 0)
	if grace < 0 || grace > oldGrace {
		return field.ErrorList{field.Invalid(path.Child("terminationGracePeriodSeconds"), grace, "may only be shortened, to 0 at the least")}
	}
	return nil
}

// ValidateVirtualMachineInstanceSpec returns what is wrong with a spec, defaults filled in, that is at path.
func ValidateVirtualMachineInstanceSpec(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	errs := validateNames(spec, path)
	errs = append(errs, metav1validation.ValidateLabels(spec.NodeSelector, path.Child("nodeSelector"))...)
	if strategy := spec.EvictionStrategy; strategy != nil {
		errs = append(errs, among(path.Child("evictionStrategy"), *strategy, evictionStrategies)...)
	}
	if strategy := spec.StartStrategy; strategy != nil {
		errs = append(errs, oneOf(path.Child("startStrategy"), *strategy, []kubevirtv1.StartStrategy{kubevirtv1.StartStrategyPaused})...)
	}
	if grace := spec.TerminationGracePeriodSeconds; grace != nil && *grace < 0 {
		errs = append(errs, field.Invalid(path.Child("terminationGracePeriodSeconds"), *grace, "must be 0 or more"))
	}
	if ptr.Deref(spec.Architecture, "") != kubevirtv1.DefaultArchitecture {
		errs = append(errs, field.Invalid(path.Child("architecture"), ptr.Deref(spec.Architecture, ""), "unsupported architecture; must be amd64"))
	}
	errs = append(errs, validateDomain(&spec.Domain, path.Child("domain"))...)
	errs = append(errs, validateVolumes(spec.Volumes, path.Child("volumes"))...)
	errs = append(errs, validateDisks(spec, path)...)
	errs = append(errs, validateNetworks(spec, path)...)
	errs = append(errs, validateAccessCredentials(spec, path)...)
	errs = append(errs, validateProbes(spec, path)...)
	return append(errs, validateBootOrders(&spec.Domain.Devices, path.Child("domain", "devices"))...)
}

// validateRestrictedLabels refuses labels that the controllers set.
func validateRestrictedLabels(labels map[string]string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, label := range []string{kubevirtv1.CreatedByLabel, kubevirtv1.NodeNameLabel} {
		if _, ok := labels[label]; ok {
			errs = append(errs, field.Forbidden(path.Key(label), "this label is set by the controllers; remove it"))
		}
	}
	return errs
}

func oneOf[T ~string](path *field.Path, value T, supported []T) field.ErrorList {
	for _, known := range supported {
		if value == known {
			return nil
		}
	}
	return field.ErrorList{field.NotSupported(path, value, supported)}
}
