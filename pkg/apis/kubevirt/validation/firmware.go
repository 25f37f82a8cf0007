// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// chassisTexts have no comma: QEMU takes them as a list of settings.
var chassisTexts = regexp.MustCompile(`^[A-Za-z0-9 _.:;/()@#+-]{0,256}$`)

func validateFirmware(domain *kubevirtv1.DomainSpec, path *field.Path) field.ErrorList {
	firmware := domain.Firmware
	if firmware == nil {
		return nil
	}
	var errs field.ErrorList
	if id := string(ptr.Deref(firmware.UUID, "")); id != "" && (len(id) != 36 || uuid.Validate(id) != nil) {
		errs = append(errs, field.Invalid(path.Child("uuid"), id, "must be a UUID such as 5d307ca9-b3ef-428c-8861-06e72d69f223"))
	}
	if ptr.Deref(firmware.Serial, "") != "" && !serials.MatchString(ptr.Deref(firmware.Serial, "")) {
		errs = append(errs, field.Invalid(path.Child("serial"), ptr.Deref(firmware.Serial, ""), "must be 1 to 256 letters, digits or _ . + -"))
	}
	errs = append(errs, validateKernelBoot(firmware.KernelBoot, path.Child("kernelBoot"))...)
	boot := firmware.Bootloader
	if boot == nil {
		return errs
	}
	path = path.Child("bootloader")
	if boot.BIOS != nil && boot.EFI != nil {
		errs = append(errs, field.Invalid(path, "bios, efi", "has both EFI and BIOS configured, but they are mutually exclusive"))
	}
	if boot.EFI != nil && ptr.Deref(boot.EFI.SecureBoot, true) && !domain.Features.SMM.On() {
		errs = append(errs, field.Invalid(path.Child("efi", "secureBoot"), true,
			"has EFI SecureBoot enabled, which requires SMM: set domain.features.smm.enabled to true, or secureBoot to false"))
	}
	if boot.EFI != nil && ptr.Deref(boot.EFI.SecureBoot, true) && firmware.KernelContainer() != nil {
		errs = append(errs, field.Invalid(path.Child("efi", "secureBoot"), true,
			"does not go with kernelBoot, whose kernel the firmware starts without checking who signed it: set it to false, or boot from a disk"))
	}
	return errs
}

func validateChassis(chassis *kubevirtv1.Chassis, path *field.Path) field.ErrorList {
	if chassis == nil {
		return nil
	}
	var errs field.ErrorList
	for _, text := range []struct{ name, value string }{
		{"manufacturer", ptr.Deref(chassis.Manufacturer, "")}, {"version", ptr.Deref(chassis.Version, "")}, {"serial", ptr.Deref(chassis.Serial, "")},
		{"asset", ptr.Deref(chassis.Asset, "")}, {"sku", ptr.Deref(chassis.Sku, "")},
	} {
		if !chassisTexts.MatchString(text.value) {
			errs = append(errs, field.Invalid(path.Child(text.name), text.value, "may have 256 letters, digits, spaces or _ . : ; / ( ) @ # + - at most"))
		}
	}
	return errs
}
