// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"slices"

	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// applyPreference fills in what spec leaves open.
func applyPreference(spec *kubevirtv1.VirtualMachineInstanceSpec, preference *instancetypev1.VirtualMachinePreferenceSpec) {
	domain := &spec.Domain
	if preference.Devices != nil {
		// Also the devices that a guest has by default are as preferred.
		applyAutoattach(&domain.Devices, preference.Devices)
		kubevirtv1.AddDefaultDevices(spec)
		applyDevices(spec, preference.Devices)
	}
	if preference.CPU != nil {
		applyCPUFeatures(domain, preference.CPU.PreferredCPUFeatures)
	}
	if preference.Features != nil {
		applyFeatures(domain, preference.Features)
	}
	if preference.Firmware != nil {
		applyFirmware(domain, preference.Firmware)
	}
	if preference.Clock != nil {
		applyClock(domain, preference.Clock)
	}
	if machine := preference.Machine; machine != nil && ptr.Deref(machine.PreferredMachineType, "") != "" {
		if domain.Machine == nil {
			domain.Machine = &kubevirtv1.Machine{}
		}
		fillText(&domain.Machine.Type, machine.PreferredMachineType)
	}
	fillText(&spec.Subdomain, preference.PreferredSubdomain)
	fillText(&spec.Architecture, preference.PreferredArchitecture)
	fill(&spec.TerminationGracePeriodSeconds, preference.PreferredTerminationGracePeriodSeconds)
}

func applyCPUFeatures(domain *kubevirtv1.DomainSpec, features []kubevirtv1.CPUFeature) {
	if len(features) > 0 && domain.CPU == nil {
		domain.CPU = &kubevirtv1.CPU{}
	}
	for _, preferred := range features {
		named := func(feature kubevirtv1.CPUFeature) bool { return feature.Name == preferred.Name }
		if !slices.ContainsFunc(domain.CPU.Features, named) {
			domain.CPU.Features = append(domain.CPU.Features, preferred)
		}
	}
}

func applyFeatures(domain *kubevirtv1.DomainSpec, preferred *instancetypev1.FeaturePreferences) {
	if domain.Features == nil {
		domain.Features = &kubevirtv1.Features{}
	}
	features := domain.Features
	if preferred.PreferredAcpi != nil {
		if features.ACPI == nil {
			features.ACPI = &kubevirtv1.FeatureState{}
		}
		fill(&features.ACPI.Enabled, preferred.PreferredAcpi.Enabled)
	}
	fill(&features.APIC, preferred.PreferredApic.DeepCopy())
	fill(&features.KVM, preferred.PreferredKvm.DeepCopy())
	fill(&features.Pvspinlock, preferred.PreferredPvspinlock.DeepCopy())
	fill(&features.SMM, preferred.PreferredSmm.DeepCopy())
	if preferred.PreferredHyperv != nil {
		applyHyperv(features, preferred.PreferredHyperv.DeepCopy())
	}
}

func applyHyperv(features *kubevirtv1.Features, preferred *kubevirtv1.FeatureHyperv) {
	if features.Hyperv == nil {
		features.Hyperv = &kubevirtv1.FeatureHyperv{}
	}
	hyperv := features.Hyperv
	fill(&hyperv.Relaxed, preferred.Relaxed)
	fill(&hyperv.VAPIC, preferred.VAPIC)
	fill(&hyperv.Spinlocks, preferred.Spinlocks)
	fill(&hyperv.VPIndex, preferred.VPIndex)
	fill(&hyperv.Runtime, preferred.Runtime)
	fill(&hyperv.SyNIC, preferred.SyNIC)
	fill(&hyperv.SyNICTimer, preferred.SyNICTimer)
	fill(&hyperv.Reset, preferred.Reset)
	fill(&hyperv.VendorID, preferred.VendorID)
	fill(&hyperv.Frequencies, preferred.Frequencies)
	fill(&hyperv.Reenlightenment, preferred.Reenlightenment)
	fill(&hyperv.TLBFlush, preferred.TLBFlush)
	fill(&hyperv.IPI, preferred.IPI)
	fill(&hyperv.EVMCS, preferred.EVMCS)
}

// applyFirmware chooses among BIOS and EFI where the machine does not, and completes what was chosen.
func applyFirmware(domain *kubevirtv1.DomainSpec, preferred *instancetypev1.FirmwarePreferences) {
	if domain.Firmware == nil {
		domain.Firmware = &kubevirtv1.Firmware{}
	}
	if domain.Firmware.Bootloader == nil {
		domain.Firmware.Bootloader = chooseBootloader(preferred)
	}
	bootloader := domain.Firmware.Bootloader
	if bootloader == nil {
		return
	}
	if bootloader.BIOS != nil {
		fill(&bootloader.BIOS.UseSerial, preferred.PreferredUseBiosSerial)
	}
	if bootloader.EFI != nil && preferred.PreferredEfi == nil {
		fill(&bootloader.EFI.SecureBoot, preferred.DeprecatedPreferredUseSecureBoot)
	}
}

func chooseBootloader(preferred *instancetypev1.FirmwarePreferences) *kubevirtv1.Bootloader {
	switch {
	case ptr.Deref(preferred.PreferredUseBios, false):
		return &kubevirtv1.Bootloader{BIOS: &kubevirtv1.BIOS{}}
	case preferred.PreferredEfi != nil:
		return &kubevirtv1.Bootloader{EFI: preferred.PreferredEfi.DeepCopy()}
	case ptr.Deref(preferred.DeprecatedPreferredUseEfi, false):
		return &kubevirtv1.Bootloader{EFI: &kubevirtv1.EFI{}}
	default:
		return nil
	}
}

func applyClock(domain *kubevirtv1.DomainSpec, preferred *instancetypev1.ClockPreferences) {
	if domain.Clock == nil {
		domain.Clock = &kubevirtv1.Clock{}
	}
	if preferred.PreferredClockOffset != nil && domain.Clock.UTC == nil && domain.Clock.Timezone == nil {
		domain.Clock.ClockOffset = *preferred.PreferredClockOffset.DeepCopy()
	}
	fill(&domain.Clock.Timer, preferred.PreferredTimer.DeepCopy())
}
