// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// maxClaimSize is 1 PiB: more than any one disk, and far from where sizes overflow.
const maxClaimSize = 1 << 50

const (
	noVolumes    = "a standalone server has no volumes to choose from, it makes one for each claim: leave it out"
	onlyDevices  = "only block devices have names, and a standalone server makes a file for each other claim: leave it out, or use the volumeMode Block"
	notForImport = "a DataVolume fills files alone, and not a block device of the machine: leave it out"
	noDataSource = "a standalone server fills claims by DataVolumes alone: leave it out and make a DataVolume"
)

func validateNewClaim(claim *corev1.PersistentVolumeClaim) field.ErrorList {
	spec, path := &claim.Spec, field.NewPath("spec")
	errs := validateAccessModes(spec.AccessModes, path.Child("accessModes"))
	errs = append(errs, validateClaimSize(spec.Resources, path.Child("resources"))...)
	errs = append(errs, validateUnsupported(spec, path)...)
	errs = append(errs, validateDevice(claim, path)...)
	errs = append(errs, validateFilling(claim)...)
	if name := spec.StorageClassName; name != nil && *name != "" {
		for _, message := range validation.NameIsDNSSubdomain(*name, false) {
			errs = append(errs, field.Invalid(path.Child("storageClassName"), *name, message))
		}
	}
	return errs
}

func validateAccessModes(modes []corev1.PersistentVolumeAccessMode, path *field.Path) field.ErrorList {
	if len(modes) == 0 {
		return field.ErrorList{field.Required(path, "at least 1 access mode is required")}
	}
	var known []corev1.PersistentVolumeAccessMode
	for _, mode := range accessModes() {
		known = append(known, mode.mode)
	}
	var errs field.ErrorList
	for i, mode := range modes {
		if !slices.Contains(known, mode) {
			errs = append(errs, field.NotSupported(path.Index(i), mode, known))
		}
	}
	if len(modes) > 1 && slices.Contains(modes, corev1.ReadWriteOncePod) {
		errs = append(errs, field.Forbidden(path, "may not use ReadWriteOncePod with other access modes"))
	}
	return errs
}

func validateClaimSize(resources corev1.VolumeResourceRequirements, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	requests := path.Child("requests")
	size, ok := resources.Requests[corev1.ResourceStorage]
	at := requests.Key(string(corev1.ResourceStorage))
	switch {
	case !ok:
		errs = append(errs, field.Required(at, "the size that the volume is to have"))
	case size.Sign() <= 0:
		errs = append(errs, field.Invalid(at, size.String(), "must be greater than zero"))
	case size.CmpInt64(maxClaimSize) > 0:
		errs = append(errs, field.Invalid(at, size.String(), "must be at most 1Pi"))
	}
	for _, name := range slices.Sorted(maps.Keys(resources.Requests)) {
		if name != corev1.ResourceStorage {
			errs = append(errs, field.NotSupported(requests.Key(string(name)), name, []corev1.ResourceName{corev1.ResourceStorage}))
		}
	}
	if len(resources.Limits) > 0 {
		errs = append(errs, field.Forbidden(path.Child("limits"), "a volume has the size that is requested: leave limits out"))
	}
	return errs
}

// validateUnsupported refuses what a claim here would have to ignore.
func validateUnsupported(spec *corev1.PersistentVolumeClaimSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, unsupported := range []struct {
		name   string
		set    bool
		detail string
	}{
		{"selector", spec.Selector != nil, noVolumes},
		{"dataSource", spec.DataSource != nil, noDataSource},
		{"dataSourceRef", spec.DataSourceRef != nil, noDataSource},
		{"volumeAttributesClassName", spec.VolumeAttributesClassName != nil, "a standalone server has no volume attributes: leave it out"},
	} {
		if unsupported.set {
			errs = append(errs, field.Forbidden(path.Child(unsupported.name), unsupported.detail))
		}
	}
	return errs
}

// validateDevice has volumes named where they are block devices of the machine, and only there.
func validateDevice(claim *corev1.PersistentVolumeClaim, path *field.Path) field.ErrorList {
	spec, name := &claim.Spec, path.Child("volumeName")
	switch mode := ptr.Deref(spec.VolumeMode, corev1.PersistentVolumeFilesystem); {
	case mode != corev1.PersistentVolumeBlock && mode != corev1.PersistentVolumeFilesystem:
		return field.ErrorList{field.NotSupported(path.Child("volumeMode"), mode,
			[]corev1.PersistentVolumeMode{corev1.PersistentVolumeBlock, corev1.PersistentVolumeFilesystem})}
	case mode == corev1.PersistentVolumeFilesystem && spec.VolumeName != "":
		return field.ErrorList{field.Forbidden(name, onlyDevices)}
	case spec.VolumeName == "":
		return nil // guests see a disk of the server's either way
	}
	if _, ok := claim.Annotations[cdiv1.CreatedForDataVolumeAnnotation]; ok {
		return field.ErrorList{field.Forbidden(name, notForImport)}
	}
	var errs field.ErrorList
	for _, message := range validation.NameIsDNSSubdomain(spec.VolumeName, false) {
		errs = append(errs, field.Invalid(name, spec.VolumeName, message))
	}
	return errs
}

// validateFilling refuses what CDI would fill by annotations alone: the claim would stay empty. What is filled already,
// or is to be by its DataVolume, may have them.
func validateFilling(claim *corev1.PersistentVolumeClaim) field.ErrorList {
	has := claim.Annotations
	if has[cdiv1.CreatedForDataVolumeAnnotation] != "" || has[cdiv1.PopulatedForAnnotation] != "" ||
		has[cdiv1.PodPhaseAnnotation] == string(corev1.PodSucceeded) {
		return nil
	}
	var errs field.ErrorList
	for _, name := range cdiv1.FillingAnnotations() {
		if _, ok := has[name]; ok {
			errs = append(errs, field.Forbidden(field.NewPath("metadata", "annotations").Key(name), noDataSource))
		}
	}
	return errs
}

// validateClaimUpdate lets the spec change in three ways: the claim is given its class, and its volume, once;
// and once it has that, it may grow.
func validateClaimUpdate(claim, old *corev1.PersistentVolumeClaim) field.ErrorList {
	path := field.NewPath("spec")
	allowed := old.Spec.DeepCopy()
	if old.Spec.VolumeName == "" {
		allowed.VolumeName = claim.Spec.VolumeName
	}
	if old.Spec.StorageClassName == nil {
		allowed.StorageClassName = claim.Spec.StorageClassName
	}
	if old.Status.Phase == corev1.ClaimBound {
		allowed.Resources.Requests = claim.Spec.Resources.Requests
	}
	if !apiequality.Semantic.DeepEqual(claim.Spec, *allowed) {
		return field.ErrorList{field.Forbidden(path, "is immutable after creation except resources.requests for bound claims")}
	}
	return append(validateClaimSize(claim.Spec.Resources, path.Child("resources")), validateGrowth(claim, old, path)...)
}

// validateGrowth lets a request that could not be met be lowered again, but not below what the volume has.
func validateGrowth(claim, old *corev1.PersistentVolumeClaim, path *field.Path) field.ErrorList {
	size, before, has := storageOf(claim.Spec.Resources.Requests), storageOf(old.Spec.Resources.Requests), storageOf(old.Status.Capacity)
	if size.Cmp(before) >= 0 || size.Cmp(has) >= 0 {
		return nil
	}
	return field.ErrorList{field.Forbidden(path.Child("resources", "requests").Key(string(corev1.ResourceStorage)),
		fmt.Sprintf("cannot be less than the size of the volume, %s: volumes do not shrink", has.String()))}
}

func storageOf(list corev1.ResourceList) resource.Quantity { return list[corev1.ResourceStorage] }

func validateClaimStatus(claim, _ *corev1.PersistentVolumeClaim) field.ErrorList {
	path := field.NewPath("status")
	var errs field.ErrorList
	if len(claim.Status.AccessModes) > 0 {
		errs = validateAccessModes(claim.Status.AccessModes, path.Child("accessModes"))
	}
	switch claim.Status.Phase {
	case corev1.ClaimPending, corev1.ClaimBound, corev1.ClaimLost:
	default:
		errs = append(errs, field.NotSupported(path.Child("phase"), claim.Status.Phase,
			[]corev1.PersistentVolumeClaimPhase{corev1.ClaimPending, corev1.ClaimBound, corev1.ClaimLost}))
	}
	for _, name := range slices.Sorted(maps.Keys(claim.Status.Capacity)) {
		if size := claim.Status.Capacity[name]; size.Sign() < 0 {
			errs = append(errs, field.Invalid(path.Child("capacity").Key(string(name)), size.String(), "must not be negative"))
		}
	}
	return errs
}
