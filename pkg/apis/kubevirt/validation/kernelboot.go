// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// validateKernelBoot validates what the guest boots in place of what is on its disks.
func validateKernelBoot(boot *kubevirtv1.KernelBoot, path *field.Path) field.ErrorList {
	if boot == nil {
		return nil
	}
	errs := validateKernelArgs(boot, path.Child("kernelArgs"))
	container := boot.Container
	if container == nil {
		return errs
	}
	path = path.Child("container")
	if container.Image == "" {
		errs = append(errs, field.Required(path.Child("image"), "must name a container image, such as HOST/NAME:TAG"))
	} else if err := source.ValidateImage(container.Image); err != nil {
		errs = append(errs, field.Invalid(path.Child("image"), container.Image, err.Error()))
	}
	switch {
	case ptr.Deref(container.KernelPath, "") == "" && ptr.Deref(container.InitrdPath, "") == "":
		errs = append(errs, field.Required(path, "must be defined with at least one of the following: kernelPath, initrdPath"))
	case ptr.Deref(container.KernelPath, "") == "":
		errs = append(errs, field.Required(path.Child("kernelPath"), "must be the path of a kernel in the image: QEMU loads an initrd with a kernel only"))
	}
	for _, file := range []struct{ name, path string }{{"kernelPath", ptr.Deref(container.KernelPath, "")}, {"initrdPath", ptr.Deref(container.InitrdPath, "")}} {
		if err := source.ValidateDiskPath(file.path); err != nil {
			errs = append(errs, field.Invalid(path.Child(file.name), file.path, err.Error()))
		}
	}
	if ptr.Deref(container.ImagePullSecret, "") != "" {
		errs = append(errs, validateReference(ptr.Deref(container.ImagePullSecret, ""), path.Child("imagePullSecret"))...)
	}
	return append(errs, oneOf(path.Child("imagePullPolicy"), ptr.Deref(container.ImagePullPolicy, ""),
		[]corev1.PullPolicy{corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever})...)
}

func validateKernelArgs(boot *kubevirtv1.KernelBoot, path *field.Path) field.ErrorList {
	args := ptr.Deref(boot.KernelArgs, "")
	switch {
	case args == "":
	case boot.Container == nil:
		return field.ErrorList{field.Invalid(path, args, "kernel arguments cannot be provided without an external kernel: set container")}
	case len(args) > kubevirtv1.MaxKernelArgs:
		return field.ErrorList{field.TooLong(path, "", kubevirtv1.MaxKernelArgs)}
	case !utf8.ValidString(args):
		return field.ErrorList{field.Invalid(path, args, "must be UTF-8")}
	}
	for _, r := range args {
		if !kubevirtv1.IsKernelArg(r) {
			return field.ErrorList{field.Invalid(path, args, fmt.Sprintf("has the character %U, which can't be printed: take it out", r))}
		}
	}
	return nil
}
