// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"strconv"

	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func buildClock(clock *kubevirtv1.Clock, kvm bool) *libvirtxml.DomainClock {
	if clock == nil {
		clock = &kubevirtv1.Clock{}
	}
	out := &libvirtxml.DomainClock{Offset: "utc", Timer: buildTimers(ptr.Deref(clock.Timer, kubevirtv1.Timer{}), kvm)}
	switch {
	case clock.Timezone != nil:
		out.Offset, out.TimeZone = "timezone", string(*clock.Timezone)
	case clock.UTC != nil && clock.UTC.OffsetSeconds != nil:
		out.Offset, out.Adjustment = "variable", strconv.Itoa(*clock.UTC.OffsetSeconds)
	}
	return out
}

// buildTimers leaves out the timer that costs an idle host the most, unless it is asked for. What KVM offers
// to guests is not there without it.
func buildTimers(timer kubevirtv1.Timer, kvm bool) []libvirtxml.DomainTimer {
	rtc := libvirtxml.DomainTimer{Name: "rtc", TickPolicy: string(kubevirtv1.TickPolicyCatchup)}
	if timer.RTC != nil {
		rtc.Present, rtc.Track = yesNo(timer.RTC.Enabled), string(ptr.Deref(timer.RTC.Track, ""))
		if ptr.Deref(timer.RTC.TickPolicy, "") != "" {
			rtc.TickPolicy = string(ptr.Deref(timer.RTC.TickPolicy, ""))
		}
	}
	pit := libvirtxml.DomainTimer{Name: "pit", TickPolicy: string(kubevirtv1.TickPolicyDelay)}
	if timer.PIT != nil {
		pit.Present = yesNo(timer.PIT.Enabled)
		if ptr.Deref(timer.PIT.TickPolicy, "") != "" {
			pit.TickPolicy = string(ptr.Deref(timer.PIT.TickPolicy, ""))
		}
	}
	hpet := libvirtxml.DomainTimer{Name: "hpet", Present: "no"}
	if timer.HPET != nil {
		hpet.Present, hpet.TickPolicy = yesNo(timer.HPET.Enabled), string(ptr.Deref(timer.HPET.TickPolicy, ""))
	}
	timers := []libvirtxml.DomainTimer{rtc, pit, hpet}
	if timer.KVM != nil && kvm {
		timers = append(timers, libvirtxml.DomainTimer{Name: "kvmclock", Present: yesNo(timer.KVM.Enabled)})
	}
	if timer.Hyperv != nil && kvm {
		timers = append(timers, libvirtxml.DomainTimer{Name: "hypervclock", Present: yesNo(timer.Hyperv.Enabled)})
	}
	return timers
}

// yesNo is yes where nothing is said.
func yesNo(value *bool) string {
	if ptr.Deref(value, true) {
		return "yes"
	}
	return "no"
}
