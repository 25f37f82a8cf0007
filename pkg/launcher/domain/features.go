// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// buildFeatures leaves out what only KVM has where there is none; kubevirtv1's NeedsKVM names it to users.
func buildFeatures(spec *kubevirtv1.DomainSpec, kvm bool) *libvirtxml.DomainFeatureList {
	features := &libvirtxml.DomainFeatureList{
		APIC:   &libvirtxml.DomainFeatureAPIC{},
		VMPort: &libvirtxml.DomainFeatureState{State: "off"},
	}
	if HasACPI(spec) {
		features.ACPI = &libvirtxml.DomainFeature{}
	}
	wanted := ptr.Deref(spec.Features, kubevirtv1.Features{})
	if wanted.SMM.On() || secureBoot(spec.Firmware) {
		features.SMM = &libvirtxml.DomainFeatureSMM{State: "on"}
	}
	if kvm {
		setKVMFeatures(features, &wanted)
	}
	return features
}

// HasACPI says whether the guest can be asked to power off.
func HasACPI(spec *kubevirtv1.DomainSpec) bool {
	return spec.Features.HasACPI()
}

func setKVMFeatures(features *libvirtxml.DomainFeatureList, spec *kubevirtv1.Features) {
	if spec.APIC != nil {
		features.APIC.EOI = onOff(ptr.Deref(spec.APIC.EndOfInterrupt, false))
	}
	if spec.KVM != nil {
		features.KVM = &libvirtxml.DomainFeatureKVM{Hidden: state(ptr.Deref(spec.KVM.Hidden, false))}
	}
	if spec.Pvspinlock != nil {
		features.PVSpinlock = state(spec.Pvspinlock.On())
	}
	switch {
	case spec.HypervPassthrough != nil && ptr.Deref(spec.HypervPassthrough.Enabled, true):
		features.HyperV = &libvirtxml.DomainFeatureHyperV{Mode: "passthrough"}
	case spec.Hyperv != nil:
		features.HyperV = buildHyperv(spec.Hyperv)
	}
}

func buildHyperv(spec *kubevirtv1.FeatureHyperv) *libvirtxml.DomainFeatureHyperV {
	hyperv := &libvirtxml.DomainFeatureHyperV{
		Relaxed:         featureState(spec.Relaxed),
		VAPIC:           featureState(spec.VAPIC),
		VPIndex:         featureState(spec.VPIndex),
		Runtime:         featureState(spec.Runtime),
		Synic:           featureState(spec.SyNIC),
		Reset:           featureState(spec.Reset),
		Frequencies:     featureState(spec.Frequencies),
		ReEnlightenment: featureState(spec.Reenlightenment),
		IPI:             featureState(spec.IPI),
		EVMCS:           featureState(spec.EVMCS),
	}
	if spec.TLBFlush != nil {
		hyperv.TLBFlush = &libvirtxml.DomainFeatureHyperVTLBFlush{DomainFeatureState: *featureState(spec.TLBFlush)}
	}
	if timer := spec.SyNICTimer; timer != nil {
		hyperv.STimer = &libvirtxml.DomainFeatureHyperVSTimer{
			DomainFeatureState: *state(ptr.Deref(timer.Enabled, true)), Direct: featureState(timer.Direct)}
	}
	if locks := spec.Spinlocks; locks != nil {
		hyperv.Spinlocks = &libvirtxml.DomainFeatureHyperVSpinlocks{
			DomainFeatureState: *state(ptr.Deref(locks.Enabled, true)), Retries: uint(ptr.Deref(locks.Retries, 0))}
	}
	if vendor := spec.VendorID; vendor != nil {
		hyperv.VendorId = &libvirtxml.DomainFeatureHyperVVendorId{
			DomainFeatureState: *state(ptr.Deref(vendor.Enabled, true)), Value: ptr.Deref(vendor.VendorID, "")}
	}
	return hyperv
}

// featureState is nil where nothing is said.
func featureState(feature *kubevirtv1.FeatureState) *libvirtxml.DomainFeatureState {
	if feature == nil {
		return nil
	}
	return state(feature.On())
}

func state(on bool) *libvirtxml.DomainFeatureState {
	return &libvirtxml.DomainFeatureState{State: onOff(on)}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
