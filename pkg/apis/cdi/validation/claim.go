// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

const (
	minSize = 1 << 20
	// maxSize keeps every later sum of sizes far from overflow.
	maxSize = 1 << 50
)

func validateClaim(spec *cdiv1.DataVolumeSpec, path *field.Path) field.ErrorList {
	switch {
	case spec.PVC == nil && spec.Storage == nil:
		return field.ErrorList{field.Required(path.Child("storage"),
			"Missing Data volume PVC: give exactly one of storage and pvc")}
	case spec.PVC != nil && spec.Storage != nil:
		return field.ErrorList{field.Forbidden(path.Child("pvc"),
			"Duplicate storage definition: give exactly one of storage and pvc")}
	case spec.PVC != nil:
		return validatePVC(spec.PVC, path.Child("pvc"))
	default:
		return validateStorage(spec.Storage, spec.Source, path.Child("storage"))
	}
}

func validatePVC(pvc *verbatim.PersistentVolumeClaimSpec, path *field.Path) field.ErrorList {
	errs := validateSize(pvc.Resources, path.Child("resources"))
	errs = append(errs, validateClassName(pvc.StorageClassName, path.Child("storageClassName"))...)
	errs = append(errs, validateVolumeMode(pvc.VolumeMode, path.Child("volumeMode"))...)
	modes := path.Child("accessModes")
	switch len(pvc.AccessModes) {
	case 0:
		errs = append(errs, field.Required(modes, "at least 1 access mode is required; ReadWriteOnce suits a disk of one VM"))
	case 1:
		errs = append(errs, validateAccessModes(pvc.AccessModes, modes)...)
	default:
		errs = append(errs, field.Invalid(modes, pvc.AccessModes, "multiple accessModes: pvc takes exactly one; storage takes several"))
	}
	const noPopulator = "External population is incompatible with spec.source: a DataVolume is filled from its source"
	if pvc.DataSource != nil {
		errs = append(errs, field.Forbidden(path.Child("dataSource"), noPopulator))
	}
	if pvc.DataSourceRef != nil {
		errs = append(errs, field.Forbidden(path.Child("dataSourceRef"), noPopulator))
	}
	return errs
}

// validateStorage lets the size of a copy be that of its source.
func validateStorage(storage *cdiv1.StorageSpec, source *cdiv1.DataVolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	_, sized := storage.Resources.Size()
	if sized || source == nil || source.PVC == nil {
		errs = validateSize(storage.Resources, path.Child("resources"))
	}
	errs = append(errs, validateClassName(storage.StorageClassName, path.Child("storageClassName"))...)
	errs = append(errs, validateVolumeMode(storage.VolumeMode, path.Child("volumeMode"))...)
	return append(errs, validateAccessModes(storage.AccessModes, path.Child("accessModes"))...)
}

func validateSize(resources *verbatim.VolumeResourceRequirements, path *field.Path) field.ErrorList {
	path = path.Child("requests").Key(string(corev1.ResourceStorage))
	size, ok := resources.Size()
	switch {
	case !ok:
		return field.ErrorList{field.Required(path, "PVC size is missing: give the size that the guest sees, such as 10Gi")}
	case size.Sign() <= 0:
		return field.ErrorList{field.Invalid(path, size.String(), "PVC size can't be equal or less than zero")}
	case size.CmpInt64(minSize) < 0:
		return field.ErrorList{field.Invalid(path, size.String(), "PVC size should be at least 1MiB")}
	case size.CmpInt64(maxSize) > 0:
		return field.ErrorList{field.Invalid(path, size.String(),
			"PVC size should be at most "+resource.NewQuantity(maxSize, resource.BinarySI).String())}
	}
	return nil
}

// validateClassName lets "" pass, which is a claim of no class.
func validateClassName(name *string, path *field.Path) field.ErrorList {
	if name == nil || *name == "" {
		return nil
	}
	return validateName(*name, path)
}

func validateVolumeMode(mode *corev1.PersistentVolumeMode, path *field.Path) field.ErrorList {
	if mode == nil || *mode == corev1.PersistentVolumeFilesystem || *mode == corev1.PersistentVolumeBlock {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, *mode,
		[]corev1.PersistentVolumeMode{corev1.PersistentVolumeFilesystem, corev1.PersistentVolumeBlock})}
}

func validateAccessModes(modes []corev1.PersistentVolumeAccessMode, path *field.Path) field.ErrorList {
	known := []corev1.PersistentVolumeAccessMode{
		corev1.ReadWriteOnce, corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOncePod,
	}
	if len(modes) > len(known) {
		return field.ErrorList{field.TooMany(path, len(modes), len(known))}
	}
	var errs field.ErrorList
	for i, mode := range modes {
		if !slices.Contains(known, mode) {
			errs = append(errs, field.NotSupported(path.Index(i), mode, known))
		}
	}
	return errs
}

func validateName(name string, path *field.Path) field.ErrorList {
	if len(name) > validation.DNS1123SubdomainMaxLength {
		return field.ErrorList{field.TooLong(path, name, validation.DNS1123SubdomainMaxLength)}
	}
	var errs field.ErrorList
	for _, msg := range validation.IsDNS1123Subdomain(name) {
		errs = append(errs, field.Invalid(path, name, msg))
	}
	return errs
}
