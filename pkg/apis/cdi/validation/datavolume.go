// SPDX-License-Identifier: Apache-2.0

package validation

import (
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// ValidateDataVolume judges a DataVolume that is to be created.
func ValidateDataVolume(dv *cdiv1.DataVolume) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&dv.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, ValidateDataVolumeSpec(&dv.Spec, field.NewPath("spec"))...)
	if source := dv.Spec.Source; source != nil && source.PVC != nil && source.PVC.Namespace == dv.Namespace && source.PVC.Name == dv.Name {
		errs = append(errs, field.Invalid(field.NewPath("spec", "source", "pvc", "name"), source.PVC.Name,
			"the claim is the DataVolume's own: name another to copy"))
	}
	return errs
}

// ValidateDataVolumeUpdate judges a change: metadata may change, the spec may not.
func ValidateDataVolumeUpdate(dv, old *cdiv1.DataVolume) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&dv.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	if !verbatim.Equal(dv.Spec, old.Spec) {
		errs = append(errs, field.Forbidden(field.NewPath("spec"),
			"Cannot update DataVolume Spec: the spec is fixed once the DataVolume is made; delete it and create another"))
	}
	return errs
}

// ValidateDataVolumeSpec judges the spec of a DataVolume or of a VM's dataVolumeTemplate, found at path.
func ValidateDataVolumeSpec(spec *cdiv1.DataVolumeSpec, path *field.Path) field.ErrorList {
	errs := validateClaim(spec, path)
	errs = append(errs, validateSource(spec.Source, path.Child("source"))...)
	switch ptr.Deref(spec.ContentType, "") {
	case "", cdiv1.DataVolumeKubeVirt:
	default:
		errs = append(errs, field.NotSupported(path.Child("contentType"), ptr.Deref(spec.ContentType, ""),
			[]cdiv1.DataVolumeContentType{cdiv1.DataVolumeKubeVirt}))
	}
	return errs
}
