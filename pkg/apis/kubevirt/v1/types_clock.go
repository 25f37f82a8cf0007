// SPDX-License-Identifier: Apache-2.0

package v1

// Clock is the guest's hardware clock and what it counts time by.
type Clock struct {
	ClockOffset `json:",inline"`
	// Timer chooses among the machine's timers.
	// +optional
	Timer *Timer `json:"timer,omitempty"`
}

// ClockOffset is at most one of UTC, the default, and a time zone.
type ClockOffset struct {
	// +optional
	UTC *ClockOffsetUTC `json:"utc,omitempty"`
	// Timezone such as Europe/Berlin, which the hardware clock follows.
	// +optional
	Timezone *ClockOffsetTimezone `json:"timezone,omitempty"`
}

// ClockOffsetUTC has the hardware clock show UTC.
type ClockOffsetUTC struct {
	// OffsetSeconds are added to it when the guest starts.
	// +optional
	OffsetSeconds *int `json:"offsetSeconds,omitempty"`
}

// ClockOffsetTimezone is a name of the tz database.
type ClockOffsetTimezone string

// Timer are the machine's timers. One that is absent is as the machine has it by default: rtc and pit are
// there, hpet is not.
type Timer struct {
	// +optional
	HPET *HPETTimer `json:"hpet,omitempty"`
	// KVM is the clock that KVM offers to Linux.
	// +optional
	KVM *KVMTimer `json:"kvm,omitempty"`
	// +optional
	PIT *PITTimer `json:"pit,omitempty"`
	// +optional
	RTC *RTCTimer `json:"rtc,omitempty"`
	// Hyperv is the clock that Windows knows.
	// +optional
	Hyperv *HypervTimer `json:"hyperv,omitempty"`
}

// TickPolicy says what becomes of ticks that the guest missed.
type TickPolicy string

// What can become of missed ticks; not each timer takes each of them.
const (
	// TickPolicyDelay delivers them late, at the usual rate.
	TickPolicyDelay TickPolicy = "delay"
	// TickPolicyCatchup delivers them at a higher rate.
	TickPolicyCatchup TickPolicy = "catchup"
	// TickPolicyMerge makes one tick of them.
	TickPolicyMerge TickPolicy = "merge"
	// TickPolicyDiscard drops them.
	TickPolicyDiscard TickPolicy = "discard"
)

// RTCTimerTrack is what the real time clock follows.
type RTCTimerTrack string

const (
	// TrackGuest follows the guest's time, which stops while it is paused.
	TrackGuest RTCTimerTrack = "guest"
	// TrackWall follows the host's time.
	TrackWall RTCTimerTrack = "wall"
)

// RTCTimer is the real time clock.
type RTCTimer struct {
	// TickPolicy is delay or catchup.
	// +optional
	TickPolicy *TickPolicy `json:"tickPolicy,omitempty"`
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"present,omitempty"`
	// Track is guest or wall.
	// +optional
	Track *RTCTimerTrack `json:"track,omitempty"`
}

// HPETTimer is the high precision event timer, which can only delay missed ticks.
type HPETTimer struct {
	// TickPolicy is delay.
	// +optional
	TickPolicy *TickPolicy `json:"tickPolicy,omitempty"`
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"present,omitempty"`
}

// PITTimer is the programmable interval timer.
type PITTimer struct {
	// TickPolicy is delay or discard.
	// +optional
	TickPolicy *TickPolicy `json:"tickPolicy,omitempty"`
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"present,omitempty"`
}

// KVMTimer is KVM's clock.
type KVMTimer struct {
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"present,omitempty"`
}

// HypervTimer is Hyper-V's clock.
type HypervTimer struct {
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"present,omitempty"`
}
