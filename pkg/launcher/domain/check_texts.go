// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

var (
	featurePattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)
	timezonePattern = regexp.MustCompile(`^[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}$`)
	// vendorPattern has no comma, which separates QEMU's settings.
	vendorPattern = regexp.MustCompile(`^[A-Za-z0-9 _.-]{0,12}$`)
)

func checkCPUFeatures(cpu *kubevirtv1.CPU) error {
	if cpu == nil {
		return nil
	}
	for i, feature := range cpu.Features {
		field := fmt.Sprintf("spec.domain.cpu.features[%d]", i)
		if !featurePattern.MatchString(feature.Name) {
			return fmt.Errorf("%s.name: %q is no name of a feature", field, feature.Name)
		}
		if !slices.Contains([]string{"", "force", "require", "optional", "disable", "forbid"}, ptr.Deref(feature.Policy, "")) {
			return fmt.Errorf("%s.policy: %q is no policy", field, ptr.Deref(feature.Policy, ""))
		}
	}
	return nil
}

// checkBoot looks at what QEMU and the kernel are given, and that it is there where it is asked for.
func checkBoot(spec *kubevirtv1.KernelBoot, boot *Boot) error {
	const field = "spec.domain.firmware.kernelBoot"
	wanted := spec != nil && spec.Container != nil
	if wanted != (boot != nil) {
		return fmt.Errorf("%s: a kernel was given: %t, and asked for: %t", field, boot != nil, wanted)
	}
	if !wanted {
		return nil
	}
	args := ptr.Deref(spec.KernelArgs, "")
	if len(args) > kubevirtv1.MaxKernelArgs || !utf8.ValidString(args) ||
		strings.ContainsFunc(args, func(r rune) bool { return !kubevirtv1.IsKernelArg(r) }) {
		return fmt.Errorf("%s.kernelArgs: is no text of at most %d bytes", field, kubevirtv1.MaxKernelArgs)
	}
	return errors.Join(checkPrintable(field, boot.Kernel), checkPrintable(field, boot.Initrd))
}

// checkTexts looks at the texts that users choose freely.
func checkTexts(spec *kubevirtv1.DomainSpec) error {
	var errs []error
	if chassis := spec.Chassis; chassis != nil {
		for _, text := range []string{ptr.Deref(chassis.Manufacturer, ""), ptr.Deref(chassis.Version, ""), ptr.Deref(chassis.Serial, ""), ptr.Deref(chassis.Asset, ""), ptr.Deref(chassis.Sku, "")} {
			errs = append(errs, checkText("spec.domain.chassis", text))
		}
	}
	if spec.Clock != nil {
		if zone := ptr.Deref(spec.Clock.Timezone, "UTC"); !timezonePattern.MatchString(string(zone)) {
			errs = append(errs, fmt.Errorf("spec.domain.clock.timezone: %q is no time zone", zone))
		}
	}
	if spec.Features != nil && spec.Features.Hyperv != nil && spec.Features.Hyperv.VendorID != nil &&
		!vendorPattern.MatchString(ptr.Deref(spec.Features.Hyperv.VendorID.VendorID, "")) {
		errs = append(errs, fmt.Errorf("spec.domain.features.hyperv.vendorid: %q is not allowed", ptr.Deref(spec.Features.Hyperv.VendorID.VendorID, "")))
	}
	return errors.Join(errs...)
}
