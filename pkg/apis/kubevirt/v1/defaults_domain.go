// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

const (
	// MaxVCPUs is what q35 takes without an emulated I/O memory management unit.
	MaxVCPUs = 255
	// MinPluggableGuest is the least memory, in bytes, of a guest that can be given more while it runs: as
	// upstream has it, enough for what a kernel needs to manage the rest.
	MinPluggableGuest = 1 << 30
	// MemoryBlock is the unit, in bytes, that memory is added in.
	MemoryBlock = 2 << 20

	// maxHotplugRatio is upstream's.
	maxHotplugRatio = 4
	// maxDefaultPluggableGuest keeps the default within the addresses that every processor has.
	maxDefaultPluggableGuest = 128 << 30
	// defaultSpinlockRetries is upstream's.
	defaultSpinlockRetries = uint32(4096)
)

// setDefaultsCPU derives the sockets from limits or requests where no topology is given.
func setDefaultsCPU(domain *DomainSpec) {
	if domain.CPU == nil {
		domain.CPU = &CPU{}
	}
	cpu := domain.CPU
	if ptr.Deref(cpu.Cores, 0) == 0 && ptr.Deref(cpu.Sockets, 0) == 0 && ptr.Deref(cpu.Threads, 0) == 0 {
		if quantity, ok := domain.Resources.Limit("cpu"); ok {
			cpu.Sockets = ptr.To(uint32(max(quantity.Value(), 0)))
		} else if quantity, ok := domain.Resources.Request("cpu"); ok {
			cpu.Sockets = ptr.To(uint32(max(quantity.Value(), 0)))
		}
	}
	cpu.Cores = ptr.To(max(ptr.Deref(cpu.Cores, 0), 1))
	cpu.Sockets = ptr.To(max(ptr.Deref(cpu.Sockets, 0), 1))
	cpu.Threads = ptr.To(max(ptr.Deref(cpu.Threads, 0), 1))
	if ptr.Deref(cpu.MaxSockets, 0) == 0 {
		cpu.MaxSockets = ptr.To(defaultMaxSockets(cpu))
	}
	if ptr.Deref(cpu.Model, "") == "" {
		cpu.Model = ptr.To(DefaultCPUModel)
	}
}

// defaultMaxSockets is four times the sockets, or what MaxVCPUs leaves of that. The factors may be as large as
// their type lets them: they are not validated yet.
func defaultMaxSockets(cpu *CPU) uint32 {
	limit := MaxVCPUs / max(uint64(ptr.Deref(cpu.Cores, 0))*uint64(ptr.Deref(cpu.Threads, 0)), 1)
	return uint32(max(min(maxHotplugRatio*uint64(ptr.Deref(cpu.Sockets, 0)), limit), uint64(ptr.Deref(cpu.Sockets, 0))))
}

func setDefaultsMemory(domain *DomainSpec) {
	if domain.Memory == nil {
		domain.Memory = &Memory{}
	}
	if domain.Memory.Guest == nil {
		setDefaultGuestMemory(domain)
	}
	if domain.Memory.MaxGuest == nil {
		domain.Memory.MaxGuest = defaultMaxGuest(domain.Memory)
	}
}

// defaultMaxGuest is nil where memory can't be added while the guest runs.
func defaultMaxGuest(memory *Memory) *verbatim.Quantity {
	if memory.Guest == nil || memory.Hugepages != nil {
		return nil
	}
	size := memory.Guest.Value()
	if size < MinPluggableGuest || size > maxDefaultPluggableGuest || size%MemoryBlock != 0 {
		return nil
	}
	return ptr.To(verbatim.NewQuantity(*resource.NewQuantity(maxHotplugRatio*size, resource.BinarySI)))
}

func setDefaultGuestMemory(domain *DomainSpec) {
	if quantity, ok := domain.Resources.Request("memory"); ok {
		domain.Memory.Guest = &quantity
	} else if quantity, ok := domain.Resources.Limit("memory"); ok {
		domain.Memory.Guest = &quantity
	} else if pages := domain.Memory.Hugepages; pages != nil {
		if quantity, err := verbatim.ParseQuantity(ptr.Deref(pages.PageSize, "")); err == nil {
			domain.Memory.Guest = &quantity
		}
	}
}

func setDefaultsFeatures(domain *DomainSpec) {
	if domain.Features == nil {
		domain.Features = &Features{}
	}
	features := domain.Features
	needFeature(&features.ACPI)
	setDefaultsFeature(features.ACPI)
	for _, feature := range []*FeatureState{features.SMM, features.Pvspinlock} {
		setDefaultsFeature(feature)
	}
	if features.APIC != nil {
		setDefaultTrue(&features.APIC.Enabled)
	}
	if features.HypervPassthrough != nil {
		setDefaultTrue(&features.HypervPassthrough.Enabled)
	}
	if features.Hyperv != nil {
		setDefaultsHyperv(domain)
	}
}

// setDefaultsHyperv also switches on what other features need and nobody switched off.
func setDefaultsHyperv(domain *DomainSpec) {
	hyperv := domain.Features.Hyperv
	if hyperv.EVMCS.On() {
		needFeature(&hyperv.VAPIC)
		needVMX(domain.CPU)
	}
	if timer := hyperv.SyNICTimer; timer != nil {
		setDefaultTrue(&timer.Enabled)
		setDefaultsFeature(timer.Direct)
		if *timer.Enabled {
			needFeature(&hyperv.SyNIC)
		}
	}
	if hyperv.SyNIC.On() || hyperv.IPI.On() || hyperv.TLBFlush.On() {
		needFeature(&hyperv.VPIndex)
	}
	for _, feature := range []*FeatureState{
		hyperv.Relaxed, hyperv.VAPIC, hyperv.VPIndex, hyperv.Runtime, hyperv.SyNIC, hyperv.Reset, hyperv.Frequencies,
		hyperv.Reenlightenment, hyperv.TLBFlush, hyperv.IPI, hyperv.EVMCS,
	} {
		setDefaultsFeature(feature)
	}
	if locks := hyperv.Spinlocks; locks != nil {
		setDefaultTrue(&locks.Enabled)
		if *locks.Enabled && locks.Retries == nil {
			locks.Retries = ptr.To(defaultSpinlockRetries)
		}
	}
	if hyperv.VendorID != nil {
		setDefaultTrue(&hyperv.VendorID.Enabled)
	}
}

func needFeature(feature **FeatureState) {
	if *feature == nil {
		*feature = &FeatureState{}
	}
}

func needVMX(cpu *CPU) {
	if !slices.ContainsFunc(cpu.Features, func(f CPUFeature) bool { return f.Name == "vmx" }) {
		cpu.Features = append(cpu.Features, CPUFeature{Name: "vmx", Policy: ptr.To("require")})
	}
}

func setDefaultsFeature(feature *FeatureState) {
	if feature != nil {
		setDefaultTrue(&feature.Enabled)
	}
}

func setDefaultsClock(clock *Clock) {
	if clock == nil || clock.Timer == nil {
		return
	}
	timer := clock.Timer
	if timer.HPET != nil {
		setDefaultTrue(&timer.HPET.Enabled)
	}
	if timer.KVM != nil {
		setDefaultTrue(&timer.KVM.Enabled)
	}
	if timer.PIT != nil {
		setDefaultTrue(&timer.PIT.Enabled)
	}
	if timer.RTC != nil {
		setDefaultTrue(&timer.RTC.Enabled)
	}
	if timer.Hyperv != nil {
		setDefaultTrue(&timer.Hyperv.Enabled)
	}
}

func setDefaultTrue(value **bool) {
	if *value == nil {
		*value = ptr.To(true)
	}
}

// defaultInputName is upstream's.
const defaultInputName = "default-0"

func setDefaultsPeripherals(devices *Devices) {
	if ptr.Deref(devices.AutoattachInputDevice, false) && len(devices.Inputs) == 0 {
		devices.Inputs = []Input{{Name: defaultInputName}}
	}
	for i := range devices.Inputs {
		input := &devices.Inputs[i]
		if ptr.Deref(input.Bus, "") == "" {
			input.Bus = ptr.To(InputBusUSB)
		}
		if ptr.Deref(input.Type, "") == "" {
			input.Type = ptr.To(InputTypeTablet)
		}
	}
	if watchdog := devices.Watchdog; watchdog != nil && watchdog.I6300ESB != nil && ptr.Deref(watchdog.I6300ESB.Action, "") == "" {
		watchdog.I6300ESB.Action = ptr.To(WatchdogActionReset)
	}
	if devices.TPM != nil {
		setDefaultTrue(&devices.TPM.Enabled)
	}
	if devices.Sound != nil && ptr.Deref(devices.Sound.Model, "") == "" {
		devices.Sound.Model = ptr.To("ich9")
	}
}
