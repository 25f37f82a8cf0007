// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"maps"
	"net"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/filter"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/patch"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	maxFilters   = 64
	maxFilter    = 512
	maxAddresses = 256
	maxSerial    = 256

	machineKind = "VirtualMachine"
)

// ValidateClone judges a clone that is to be created.
func ValidateClone(clone *clonev1.VirtualMachineClone) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&clone.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	spec, path := &clone.Spec, field.NewPath("spec")
	errs = append(errs, validateSource(spec.Source, path.Child("source"))...)
	errs = append(errs, validateTarget(spec, path.Child("target"))...)
	errs = append(errs, validateFilters(spec.AnnotationFilters, path.Child("annotationFilters"))...)
	errs = append(errs, validateFilters(spec.LabelFilters, path.Child("labelFilters"))...)
	templated, template := ptr.Deref(spec.Template, clonev1.VirtualMachineCloneTemplateFilters{}), path.Child("template")
	errs = append(errs, validateFilters(templated.AnnotationFilters, template.Child("annotationFilters"))...)
	errs = append(errs, validateFilters(templated.LabelFilters, template.Child("labelFilters"))...)
	errs = append(errs, validateAddresses(spec.NewMacAddresses, path.Child("newMacAddresses"))...)
	if serial := spec.NewSMBiosSerial; serial != nil && len(*serial) > maxSerial {
		errs = append(errs, field.TooLong(path.Child("newSMBiosSerial"), *serial, maxSerial))
	}
	return append(errs, validatePatches(spec.Patches, path.Child("patches"))...)
}

// ValidateCloneUpdate judges a change: metadata may change, the spec may not.
func ValidateCloneUpdate(clone, old *clonev1.VirtualMachineClone) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&clone.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	if !apiequality.Semantic.DeepEqual(clone.Spec, old.Spec) {
		errs = append(errs, field.Forbidden(field.NewPath("spec"), "a machine is cloned once: create another VirtualMachineClone"))
	}
	return errs
}

func validateSource(source *corev1.TypedLocalObjectReference, path *field.Path) field.ErrorList {
	if source == nil {
		return field.ErrorList{field.Required(path, "Source cannot be nil: name the machine to clone")}
	}
	errs := validateKind(source, path)
	if source.Name == "" {
		return append(errs, field.Required(path.Child("name"), "Source's name cannot be empty"))
	}
	return append(errs, validateName(source.Name, path.Child("name"))...)
}

func validateTarget(spec *clonev1.VirtualMachineCloneSpec, path *field.Path) field.ErrorList {
	if spec.Target == nil {
		return nil
	}
	errs := validateKind(spec.Target, path)
	name := path.Child("name")
	switch {
	case spec.Target.Name == "":
		return errs
	case spec.Source != nil && spec.Source.Name == spec.Target.Name:
		return append(errs, field.Invalid(name, spec.Target.Name, "Target name cannot be equal to source name when both are VirtualMachines"))
	}
	return append(errs, validateName(spec.Target.Name, name)...)
}

func validateKind(ref *corev1.TypedLocalObjectReference, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if ref.APIGroup == nil || *ref.APIGroup != kubevirtv1.GroupName {
		errs = append(errs, field.Invalid(path.Child("apiGroup"), ptr.Deref(ref.APIGroup, ""), "must be "+kubevirtv1.GroupName))
	}
	if ref.Kind != machineKind {
		errs = append(errs, field.NotSupported(path.Child("kind"), ref.Kind, []string{machineKind}))
	}
	return errs
}

func validateName(name string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, message := range validation.IsDNS1123Subdomain(name) {
		errs = append(errs, field.Invalid(path, name, message))
	}
	return errs
}

// validateFilters has upstream's rules, and refuses what is no regular expression, which upstream would pass
// over.
func validateFilters(filters []string, path *field.Path) field.ErrorList {
	if len(filters) > maxFilters {
		return field.ErrorList{field.TooMany(path, len(filters), maxFilters)}
	}
	for i, text := range filters {
		path := path.Index(i)
		if len(text) > maxFilter {
			return field.ErrorList{field.TooLong(path, text, maxFilter)}
		}
		// The others are not looked at, as each costs something.
		if err := filter.Check(text); err != nil {
			return field.ErrorList{field.Invalid(path, text, err.Error())}
		}
	}
	return nil
}

func validateAddresses(addresses map[string]string, path *field.Path) field.ErrorList {
	if len(addresses) > maxAddresses {
		return field.ErrorList{field.TooMany(path, len(addresses), maxAddresses)}
	}
	var errs field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		if mac, err := net.ParseMAC(addresses[name]); err != nil || len(mac) != 6 {
			errs = append(errs, field.Invalid(path.Key(name), addresses[name], "malformed MAC address: give six bytes, such as 02:00:00:12:34:56"))
		}
	}
	return errs
}

func validatePatches(patches []string, path *field.Path) field.ErrorList {
	if len(patches) > patch.MaxOperations {
		return field.ErrorList{field.TooMany(path, len(patches), patch.MaxOperations)}
	}
	var errs field.ErrorList
	for i, operation := range patches {
		path := path.Index(i)
		if len(operation) > patch.MaxOperation {
			errs = append(errs, field.TooLong(path, "", patch.MaxOperation))
			continue
		}
		if err := patch.Check(operation); err != nil {
			errs = append(errs, field.Invalid(path, operation, err.Error()))
		}
	}
	return errs
}
