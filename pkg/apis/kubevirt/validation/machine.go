// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	cdivalidation "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/validation"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// maxItems bounds each list of devices, volumes and templates.
const maxItems = 256

// ValidateVirtualMachine returns what is wrong with a machine. Its template is judged as the instance that
// would be made from it, defaults filled in. Where it refers to an instance type or a preference, these are
// applied to it already.
func ValidateVirtualMachine(vm *kubevirtv1.VirtualMachine) field.ErrorList {
	errs := validateName(vm.Name)
	spec, path := &vm.Spec, field.NewPath("spec")
	errs = append(errs, validateRunStrategy(spec, path)...)
	errs = append(errs, ValidateMatchers(spec, path)...)
	errs = append(errs, validateTemplate(spec.Template, path.Child("template"))...)
	return append(errs, validateDataVolumeTemplates(vm, path.Child("dataVolumeTemplates"))...)
}

// validateName refuses names that a domain, a file or a DNS label could not have: the instance, its
// domain and, by default, the guest itself are called the same.
func validateName(name string) field.ErrorList {
	var errs field.ErrorList
	path := field.NewPath("metadata", "name")
	for _, message := range validation.IsDNS1123Subdomain(name) {
		errs = append(errs, field.Invalid(path, name, message))
	}
	return errs
}

func validateRunStrategy(spec *kubevirtv1.VirtualMachineSpec, path *field.Path) field.ErrorList {
	switch {
	case spec.Running != nil && spec.RunStrategy != nil:
		return field.ErrorList{field.Invalid(path.Child("running"), *spec.Running, "Running and RunStrategy are mutually exclusive; remove running, which is the old form")}
	case spec.Running == nil && spec.RunStrategy == nil:
		return field.ErrorList{field.Required(path.Child("runStrategy"), "one of Running or RunStrategy must be specified, for example runStrategy: Always")}
	case spec.RunStrategy == nil:
		return nil
	}
	supported := []kubevirtv1.VirtualMachineRunStrategy{
		kubevirtv1.RunStrategyAlways, kubevirtv1.RunStrategyHalted, kubevirtv1.RunStrategyManual,
		kubevirtv1.RunStrategyOnce, kubevirtv1.RunStrategyRerunOnFailure,
	}
	return oneOf(path.Child("runStrategy"), *spec.RunStrategy, supported)
}

func validateTemplate(template *kubevirtv1.VirtualMachineInstanceTemplateSpec, path *field.Path) field.ErrorList {
	if template == nil {
		return field.ErrorList{field.Required(path, "a machine needs a template of its instances")}
	}
	errs := metav1validation.ValidateLabels(template.ObjectMeta.GetLabels(), path.Child("metadata", "labels"))
	errs = append(errs, validateRestrictedLabels(template.ObjectMeta.GetLabels(), path.Child("metadata", "labels"))...)
	errs = append(errs, apivalidation.ValidateAnnotations(template.ObjectMeta.GetAnnotations(), path.Child("metadata", "annotations"))...)
	errs = append(errs, validateRefusedAnnotations(template.ObjectMeta.GetAnnotations(), path.Child("metadata", "annotations"))...)
	spec := template.Spec.DeepCopy()
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(spec)
	return append(errs, ValidateVirtualMachineInstanceSpec(spec, path.Child("spec"))...)
}

func validateDataVolumeTemplates(vm *kubevirtv1.VirtualMachine, path *field.Path) field.ErrorList {
	templates := vm.Spec.DataVolumeTemplates
	if len(templates) > maxItems {
		return field.ErrorList{field.TooMany(path, len(templates), maxItems)}
	}
	used := map[string]bool{}
	if vm.Spec.Template != nil {
		for _, volume := range vm.Spec.Template.Spec.Volumes {
			if volume.DataVolume != nil {
				used[volume.DataVolume.Name] = true
			}
			if volume.PersistentVolumeClaim != nil {
				used[volume.PersistentVolumeClaim.ClaimName] = true
			}
		}
	}
	var errs field.ErrorList
	seen := map[string]bool{}
	for i := range templates {
		template, path := &templates[i], path.Index(i)
		name := template.ObjectMeta.Name
		switch {
		case name == "":
			errs = append(errs, field.Required(path.Child("metadata", "name"), "a DataVolumeTemplate must have a name"))
		case seen[name]:
			errs = append(errs, field.Duplicate(path.Child("metadata", "name"), name))
		case !used[name]:
			errs = append(errs, field.Invalid(path.Child("metadata", "name"), name,
				"must be referenced by a volume of spec.template.spec.volumes"))
		}
		seen[name] = true
		for _, message := range validation.IsDNS1123Subdomain(name) {
			if name != "" {
				errs = append(errs, field.Invalid(path.Child("metadata", "name"), name, message))
			}
		}
		if ns := template.ObjectMeta.Namespace; ns != "" && ns != vm.Namespace {
			errs = append(errs, field.Invalid(path.Child("metadata", "namespace"), ns,
				fmt.Sprintf("must be the machine's own namespace, %s, or absent", vm.Namespace)))
		}
		errs = append(errs, cdivalidation.ValidateDataVolumeSpec(&template.Spec, path.Child("spec"))...)
	}
	return errs
}
