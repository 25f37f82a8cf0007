// SPDX-License-Identifier: Apache-2.0

package validation

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

func validateContainerDisk(disk *kubevirtv1.ContainerDiskSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if disk.Image == "" {
		errs = append(errs, field.Required(path.Child("image"), "must name a container image, such as HOST/NAME:TAG"))
	} else if err := source.ValidateImage(disk.Image); err != nil {
		errs = append(errs, field.Invalid(path.Child("image"), disk.Image, err.Error()))
	}
	if err := source.ValidateDiskPath(ptr.Deref(disk.Path, "")); err != nil {
		errs = append(errs, field.Invalid(path.Child("path"), ptr.Deref(disk.Path, ""), err.Error()))
	}
	if ptr.Deref(disk.ImagePullSecret, "") != "" {
		errs = append(errs, validateReference(ptr.Deref(disk.ImagePullSecret, ""), path.Child("imagePullSecret"))...)
	}
	return append(errs, oneOf(path.Child("imagePullPolicy"), ptr.Deref(disk.ImagePullPolicy, ""),
		[]corev1.PullPolicy{corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever})...)
}
