// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// setDefaultsProbe completes a probe, which may be nil.
func setDefaultsProbe(probe *Probe) {
	if probe == nil {
		return
	}
	for _, number := range []struct {
		value **int32
		or    int32
	}{
		{&probe.TimeoutSeconds, 1},
		{&probe.PeriodSeconds, 10},
		{&probe.SuccessThreshold, 1},
		{&probe.FailureThreshold, 3},
	} {
		if ptr.Deref(*number.value, 0) == 0 {
			*number.value = &number.or
		}
	}
	if get := probe.HTTPGet; get != nil {
		if ptr.Deref(get.Path, "") == "" {
			get.Path = ptr.To("/")
		}
		if ptr.Deref(get.Scheme, "") == "" {
			get.Scheme = ptr.To(corev1.URISchemeHTTP)
		}
	}
}
