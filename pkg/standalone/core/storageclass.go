// SPDX-License-Identifier: Apache-2.0

package core

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

// defaultClassAnnotation marks the class of claims that name none.
const defaultClassAnnotation = "storageclass.kubernetes.io/is-default-class"

func storageClasses() kind[*storagev1.StorageClass] {
	return kind[*storagev1.StorageClass]{
		groupVersion:   storagev1.SchemeGroupVersion,
		resource:       "storageclasses",
		singular:       "storageclass",
		shortNames:     []string{"sc"},
		clusterScoped:  true,
		newObject:      func() *storagev1.StorageClass { return &storagev1.StorageClass{} },
		newList:        func() runtime.Object { return &storagev1.StorageClassList{} },
		validName:      validation.NameIsDNSSubdomain,
		validate:       validateStorageClass,
		validateUpdate: validateStorageClassUpdate,
		columns: []metav1.TableColumnDefinition{
			table.NameColumn(),
			{Name: "Provisioner", Type: "string", Description: "Who makes the volumes."},
			{Name: "ReclaimPolicy", Type: "string", Description: "What becomes of a volume whose claim is deleted."},
			{Name: "VolumeBindingMode", Type: "string", Description: "When a claim is given its volume."},
			{Name: "AllowVolumeExpansion", Type: "string", Description: "Whether claims can be made larger."},
			table.AgeColumn(),
		},
		cells: func(class *storagev1.StorageClass) []any {
			name := class.Name
			if isDefaultClass(class) {
				name += " (default)"
			}
			return []any{name, class.Provisioner, string(ptr.Deref(class.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete)),
				string(ptr.Deref(class.VolumeBindingMode, "<unset>")), ptr.Deref(class.AllowVolumeExpansion, false),
				table.Age(class.CreationTimestamp)}
		},
	}
}

func isDefaultClass(class *storagev1.StorageClass) bool {
	return class.Annotations[defaultClassAnnotation] == "true"
}

func defaultStorageClass(class *storagev1.StorageClass) {
	if class.ReclaimPolicy == nil {
		class.ReclaimPolicy = ptr.To(corev1.PersistentVolumeReclaimDelete)
	}
	if class.VolumeBindingMode == nil {
		class.VolumeBindingMode = ptr.To(storagev1.VolumeBindingImmediate)
	}
}

func validateStorageClass(class *storagev1.StorageClass) field.ErrorList {
	var errs field.ErrorList
	provisioner := field.NewPath("provisioner")
	if class.Provisioner == "" {
		errs = append(errs, field.Required(provisioner, ""))
	} else {
		for _, message := range utilvalidation.IsQualifiedName(class.Provisioner) {
			errs = append(errs, field.Invalid(provisioner, class.Provisioner, message))
		}
	}
	if policy := class.ReclaimPolicy; policy != nil && *policy != corev1.PersistentVolumeReclaimDelete && *policy != corev1.PersistentVolumeReclaimRetain {
		errs = append(errs, field.NotSupported(field.NewPath("reclaimPolicy"), *policy,
			[]corev1.PersistentVolumeReclaimPolicy{corev1.PersistentVolumeReclaimDelete, corev1.PersistentVolumeReclaimRetain}))
	}
	if mode := class.VolumeBindingMode; mode != nil && *mode != storagev1.VolumeBindingImmediate && *mode != storagev1.VolumeBindingWaitForFirstConsumer {
		errs = append(errs, field.NotSupported(field.NewPath("volumeBindingMode"), *mode,
			[]storagev1.VolumeBindingMode{storagev1.VolumeBindingImmediate, storagev1.VolumeBindingWaitForFirstConsumer}))
	}
	return errs
}

func validateStorageClassUpdate(class, old *storagev1.StorageClass) field.ErrorList {
	var errs field.ErrorList
	if !apiequality.Semantic.DeepEqual(class.Parameters, old.Parameters) {
		errs = append(errs, field.Forbidden(field.NewPath("parameters"), "updates to parameters are forbidden."))
	}
	if class.Provisioner != old.Provisioner {
		errs = append(errs, field.Forbidden(field.NewPath("provisioner"), "updates to provisioner are forbidden."))
	}
	if !ptr.Equal(class.ReclaimPolicy, old.ReclaimPolicy) {
		errs = append(errs, field.Forbidden(field.NewPath("reclaimPolicy"), "updates to reclaimPolicy are forbidden."))
	}
	return append(errs, validation.ValidateImmutableField(class.VolumeBindingMode, old.VolumeBindingMode, field.NewPath("volumeBindingMode"))...)
}
