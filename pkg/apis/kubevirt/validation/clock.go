// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// maxClockOffset is ten years in seconds, more than any time zone needs.
const maxClockOffset = 10 * 366 * 24 * 3600

// timezones are names of the tz database. They are part of an environment, not of a path: no "..".
var (
	timezones    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z][A-Za-z0-9_+-]{0,31}){0,2}$`)
	hpetPolicies = []kubevirtv1.TickPolicy{kubevirtv1.TickPolicyDelay}
	pitPolicies  = []kubevirtv1.TickPolicy{kubevirtv1.TickPolicyDelay, kubevirtv1.TickPolicyDiscard}
	rtcPolicies  = []kubevirtv1.TickPolicy{kubevirtv1.TickPolicyDelay, kubevirtv1.TickPolicyCatchup}
	rtcTracks    = []kubevirtv1.RTCTimerTrack{kubevirtv1.TrackGuest, kubevirtv1.TrackWall}
)

func validateClock(clock *kubevirtv1.Clock, path *field.Path) field.ErrorList {
	if clock == nil {
		return nil
	}
	var errs field.ErrorList
	if clock.UTC != nil && clock.Timezone != nil {
		errs = append(errs, field.Invalid(path, "utc, timezone", "must have only one of utc and timezone"))
	}
	if clock.UTC != nil && clock.UTC.OffsetSeconds != nil {
		if offset := *clock.UTC.OffsetSeconds; offset < -maxClockOffset || offset > maxClockOffset {
			errs = append(errs, field.Invalid(path.Child("utc", "offsetSeconds"), offset, "must be within ten years"))
		}
	}
	if clock.Timezone != nil && !timezones.MatchString(string(*clock.Timezone)) {
		errs = append(errs, field.Invalid(path.Child("timezone"), *clock.Timezone, "must be a name of the tz database, such as Europe/Berlin"))
	}
	if clock.Timer == nil {
		return errs
	}
	return append(errs, validateTimer(clock.Timer, path.Child("timer"))...)
}

// validateTimer takes what QEMU can do with missed ticks.
func validateTimer(timer *kubevirtv1.Timer, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if timer.HPET != nil && ptr.Deref(timer.HPET.TickPolicy, "") != "" {
		errs = append(errs, oneOf(path.Child("hpet", "tickPolicy"), ptr.Deref(timer.HPET.TickPolicy, ""), hpetPolicies)...)
	}
	if timer.PIT != nil && ptr.Deref(timer.PIT.TickPolicy, "") != "" {
		errs = append(errs, oneOf(path.Child("pit", "tickPolicy"), ptr.Deref(timer.PIT.TickPolicy, ""), pitPolicies)...)
	}
	if timer.RTC != nil && ptr.Deref(timer.RTC.TickPolicy, "") != "" {
		errs = append(errs, oneOf(path.Child("rtc", "tickPolicy"), ptr.Deref(timer.RTC.TickPolicy, ""), rtcPolicies)...)
	}
	if timer.RTC != nil && ptr.Deref(timer.RTC.Track, "") != "" {
		errs = append(errs, oneOf(path.Child("rtc", "track"), ptr.Deref(timer.RTC.Track, ""), rtcTracks)...)
	}
	return errs
}
