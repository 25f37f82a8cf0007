// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"slices"

	"k8s.io/utils/ptr"
)

// NeedsKVM names the fields whose effect KVM alone has. An emulated guest goes without them, and the
// condition SoftwareEmulation of its instance says so.
func (d *DomainSpec) NeedsKVM() []string {
	var fields []string
	add := func(name string, asked bool) {
		if asked {
			fields = append(fields, name)
		}
	}
	if features := d.Features; features != nil {
		add("features.apic.endOfInterrupt", features.APIC != nil && ptr.Deref(features.APIC.EndOfInterrupt, false))
		add("features.hyperv", features.Hyperv != nil)
		add("features.hypervPassthrough", features.HypervPassthrough != nil && ptr.Deref(features.HypervPassthrough.Enabled, true))
		add("features.pvspinlock", features.Pvspinlock.On())
	}
	if d.Clock != nil && d.Clock.Timer != nil {
		add("clock.timer.kvm", d.Clock.Timer.KVM != nil && ptr.Deref(d.Clock.Timer.KVM.Enabled, true))
		add("clock.timer.hyperv", d.Clock.Timer.Hyperv != nil && ptr.Deref(d.Clock.Timer.Hyperv.Enabled, true))
	}
	add("devices.panicDevices", slices.ContainsFunc(d.Devices.PanicDevices, func(p PanicDevice) bool {
		return ptr.Deref(p.Model, PanicDeviceISA) == PanicDeviceHyperv
	}))
	return fields
}
