// SPDX-License-Identifier: Apache-2.0

package v1

import corev1 "k8s.io/api/core/v1"

// setDefaultsProbe completes a probe, which may be nil.
func setDefaultsProbe(probe *Probe) {
	if probe == nil {
		return
	}
	for _, number := range []struct {
		value *int32
		or    int32
	}{
		{&probe.TimeoutSeconds, 1},
		{&probe.PeriodSeconds, 10},
		{&probe.SuccessThreshold, 1},
		{&probe.FailureThreshold, 3},
	} {
		if *number.value == 0 {
			*number.value = number.or
		}
	}
	if get := probe.HTTPGet; get != nil {
		if get.Path == "" {
			get.Path = "/"
		}
		if get.Scheme == "" {
			get.Scheme = corev1.URISchemeHTTP
		}
	}
}
