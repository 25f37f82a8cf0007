// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// matcher is what both kinds of matchers have.
type matcher struct {
	name, kind, resolved string
	volume               string
	policy               *kubevirtv1.InferFromVolumeFailurePolicy
	// title is upstream's name of the type.
	title string
}

// ValidateMatchers returns what is wrong with the references to an instance type and a preference, whether or
// not these exist.
func ValidateMatchers(spec *kubevirtv1.VirtualMachineSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if m := spec.Instancetype; m != nil {
		errs = append(errs, validateMatcher(matcher{
			ptr.Deref(m.Name, ""), ptr.Deref(m.Kind, ""), m.ResolvedKind(), ptr.Deref(m.InferFromVolume, ""), m.InferFromVolumeFailurePolicy, "InstancetypeMatcher",
		}, path.Child("instancetype"), kubevirtv1.KindInstancetype, kubevirtv1.KindClusterInstancetype)...)
	}
	if m := spec.Preference; m != nil {
		errs = append(errs, validateMatcher(matcher{
			ptr.Deref(m.Name, ""), ptr.Deref(m.Kind, ""), m.ResolvedKind(), ptr.Deref(m.InferFromVolume, ""), m.InferFromVolumeFailurePolicy, "PreferenceMatcher",
		}, path.Child("preference"), kubevirtv1.KindPreference, kubevirtv1.KindClusterPreference)...)
	}
	return errs
}

// validateMatcher has upstream's types and texts for what upstream refuses.
func validateMatcher(m matcher, path *field.Path, supported ...string) field.ErrorList {
	var errs field.ErrorList
	policyPath := path.Child("inferFromVolumeFailurePolicy")
	switch {
	case m.policy == nil:
	case *m.policy != kubevirtv1.RejectInferFromVolumeFailure && *m.policy != kubevirtv1.IgnoreInferFromVolumeFailure:
		errs = append(errs, field.Invalid(policyPath, *m.policy,
			fmt.Sprintf("Invalid value '%s' for InferFromVolumeFailurePolicy: it is Reject or Ignore", *m.policy)))
	case m.volume == "":
		errs = append(errs, field.Invalid(policyPath, *m.policy, "it is about inferFromVolume, which is not set: remove it"))
	}
	if m.volume != "" {
		return append(errs, validateInferring(m, path)...)
	}
	if m.resolved == "" {
		errs = append(errs, field.NotSupported(path.Child("kind"), m.kind, supported))
	}
	if m.name == "" {
		return append(errs, &field.Error{Type: field.ErrorTypeNotFound, Field: path.String(), BadValue: m.name,
			Detail: fmt.Sprintf("Either Name or InferFromVolume should be provided within the %s", m.title)})
	}
	for _, message := range validation.IsDNS1123Subdomain(m.name) {
		errs = append(errs, field.Invalid(path.Child("name"), m.name, message))
	}
	return errs
}

func validateInferring(m matcher, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, set := range []struct{ name, title, value string }{{"name", "Name", m.name}, {"kind", "Kind", m.kind}} {
		if set.value != "" {
			errs = append(errs, &field.Error{Type: field.ErrorTypeNotSupported, Field: path.Child(set.name).String(), BadValue: set.value,
				Detail: set.title + " already set, should be cleared before setting inferFromVolume"})
		}
	}
	return errs
}
