// SPDX-License-Identifier: Apache-2.0

package v1

// Features of the machine.
type Features struct {
	// ACPI is on by default. Without it a guest can't be asked to power off.
	// +optional
	ACPI *FeatureState `json:"acpi,omitempty"`
	// APIC is on by default.
	// +optional
	APIC *FeatureAPIC `json:"apic,omitempty"`
	// Hyperv is what Windows runs better with. It needs KVM.
	// +optional
	Hyperv *FeatureHyperv `json:"hyperv,omitempty"`
	// HypervPassthrough gives the guest every Hyper-V feature of the host. It needs KVM.
	// +optional
	HypervPassthrough *HyperVPassthrough `json:"hypervPassthrough,omitempty"`
	// SMM is the system management mode, which secure boot needs.
	// +optional
	SMM *FeatureState `json:"smm,omitempty"`
	// KVM is about what the guest sees of KVM.
	// +optional
	KVM *FeatureKVM `json:"kvm,omitempty"`
	// Pvspinlock lets a guest under KVM wait for locks without spinning.
	// +optional
	Pvspinlock *FeatureState `json:"pvspinlock,omitempty"`
}

// FeatureState switches a feature.
type FeatureState struct {
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
}

// On says whether the feature is asked for; one that is absent is not.
func (s *FeatureState) On() bool { return s != nil && (s.Enabled == nil || *s.Enabled) }

// FeatureAPIC is the interrupt controller.
type FeatureAPIC struct {
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// EndOfInterrupt lets a guest under KVM acknowledge interrupts without leaving it.
	// +optional
	EndOfInterrupt *bool `json:"endOfInterrupt,omitempty"`
}

// FeatureKVM is about what the guest sees of KVM.
type FeatureKVM struct {
	// Hidden keeps it from the guest.
	// +optional
	Hidden *bool `json:"hidden,omitempty"`
}

// HyperVPassthrough switches the pass-through of the host's Hyper-V features.
type HyperVPassthrough struct {
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
}

// FeatureHyperv are Hyper-V's features. Those that need others have them switched on, unless they are
// switched off.
type FeatureHyperv struct {
	// Relaxed has Windows not expect timers to be on time.
	// +optional
	Relaxed *FeatureState `json:"relaxed,omitempty"`
	// VAPIC speeds interrupts up.
	// +optional
	VAPIC *FeatureState `json:"vapic,omitempty"`
	// Spinlocks has the guest give up spinning after so many tries.
	// +optional
	Spinlocks *FeatureSpinlocks `json:"spinlocks,omitempty"`
	// VPIndex lets a processor tell its own number.
	// +optional
	VPIndex *FeatureState `json:"vpindex,omitempty"`
	// Runtime lets the guest know for how long its processors ran.
	// +optional
	Runtime *FeatureState `json:"runtime,omitempty"`
	// SyNIC is an interrupt controller for synthetic devices; it needs vpindex.
	// +optional
	SyNIC *FeatureState `json:"synic,omitempty"`
	// SyNICTimer are timers on it; they need synic.
	// +optional
	SyNICTimer *SyNICTimer `json:"synictimer,omitempty"`
	// Reset lets the guest reset itself.
	// +optional
	Reset *FeatureState `json:"reset,omitempty"`
	// VendorID is what the guest takes the hypervisor's maker for.
	// +optional
	VendorID *FeatureVendorID `json:"vendorid,omitempty"`
	// Frequencies tells the guest those of its clocks.
	// +optional
	Frequencies *FeatureState `json:"frequencies,omitempty"`
	// Reenlightenment tells the guest when a migration changed them.
	// +optional
	Reenlightenment *FeatureState `json:"reenlightenment,omitempty"`
	// TLBFlush needs vpindex.
	// +optional
	TLBFlush *FeatureState `json:"tlbflush,omitempty"`
	// IPI needs vpindex.
	// +optional
	IPI *FeatureState `json:"ipi,omitempty"`
	// EVMCS speeds guests within the guest up; it needs vapic and the CPU feature vmx.
	// +optional
	EVMCS *FeatureState `json:"evmcs,omitempty"`
}

// FeatureSpinlocks says for how long to spin.
type FeatureSpinlocks struct {
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// Retries are 4096 by default, and at the least.
	// +optional
	Retries *uint32 `json:"spinlocks,omitempty"`
}

// FeatureVendorID is a name.
type FeatureVendorID struct {
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// VendorID has 12 characters at most.
	// +optional
	VendorID *string `json:"vendorid,omitempty"`
}

// SyNICTimer are timers of the synthetic interrupt controller.
type SyNICTimer struct {
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// Direct lets them interrupt without a message.
	// +optional
	Direct *FeatureState `json:"direct,omitempty"`
}
