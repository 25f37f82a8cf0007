// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// ValidateMatchers returns what is wrong with the references to an instance type and a preference, whether or
// not these exist.
func ValidateMatchers(spec *kubevirtv1.VirtualMachineSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if m := spec.Instancetype; m != nil {
		errs = append(errs, validateMatcher(m.Name, m.Kind, m.ResolvedKind(), path.Child("instancetype"),
			kubevirtv1.KindInstancetype, kubevirtv1.KindClusterInstancetype)...)
	}
	if m := spec.Preference; m != nil {
		errs = append(errs, validateMatcher(m.Name, m.Kind, m.ResolvedKind(), path.Child("preference"),
			kubevirtv1.KindPreference, kubevirtv1.KindClusterPreference)...)
	}
	return errs
}

func validateMatcher(name, kind, resolved string, path *field.Path, supported ...string) field.ErrorList {
	var errs field.ErrorList
	if resolved == "" {
		errs = append(errs, field.NotSupported(path.Child("kind"), kind, supported))
	}
	if name == "" {
		return append(errs, field.Required(path.Child("name"), "the name of what to use"))
	}
	for _, message := range validation.IsDNS1123Subdomain(name) {
		errs = append(errs, field.Invalid(path.Child("name"), name, message))
	}
	return errs
}
