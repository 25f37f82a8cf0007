// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"time"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

const (
	firstDelay   = 10 * time.Second
	longestDelay = 5 * time.Minute
)

// retryDelay is how long to wait after that many failures. It is kubelet's for containers, as upstream's.
func retryDelay(failures int32) time.Duration {
	if failures < 1 {
		return 0
	}
	if failures > 6 {
		return longestDelay
	}
	return min(firstDelay<<(failures-1), longestDelay)
}

// untilRetry is how long the next attempt has to wait. All that it needs is in the status, so that a
// controller that was started anew waits no less.
func untilRetry(dv *cdiv1.DataVolume, now time.Time) time.Duration {
	if _, failed := dv.Failure(); !failed {
		return 0
	}
	return max(retryDelay(dv.Status.RestartCount)-now.Sub(lastBeat(&dv.Status)), 0)
}
