// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"hash/fnv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	firstDelay   = 10 * time.Second
	longestDelay = 300 * time.Second
)

// countStartFailure returns the count of failed starts as it is now. A start has failed when its instance
// ended by itself without ever having run; an instance that runs clears the count. Only the strategies that
// start again by themselves count.
func countStartFailure(o *observation, strategy kubevirtv1.VirtualMachineRunStrategy, now time.Time) *kubevirtv1.VirtualMachineStartFailure {
	count := o.machine.Status.StartFailure
	switch {
	case strategy != kubevirtv1.RunStrategyAlways && strategy != kubevirtv1.RunStrategyRerunOnFailure:
		return nil
	case o.instance == nil:
		return count
	case o.instance.WasRunning():
		return nil
	case !o.instance.IsFinal() || o.instance.DeletionTimestamp != nil:
		return count
	case count != nil && count.LastFailedVMIUID == o.instance.UID:
		return count
	}
	failed := ptr.Deref(count, kubevirtv1.VirtualMachineStartFailure{}).ConsecutiveFailCount + 1
	return &kubevirtv1.VirtualMachineStartFailure{
		ConsecutiveFailCount: failed,
		LastFailedVMIUID:     o.instance.UID,
		RetryAfterTimestamp:  ptr.To(metav1.NewTime(now.Add(startDelay(failed, o.instance.UID)))),
	}
}

// startDelay is how long to wait after that many failures: 10 s × their square, at most 300 s, and up to
// half as much again so that machines which failed together do not start together. Which part of the half
// is the last instance's own.
func startDelay(failed int, last types.UID) time.Duration {
	if failed > int(longestDelay/firstDelay) {
		return longestDelay
	}
	delay := firstDelay * time.Duration(failed*failed)
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(last))
	perMille := time.Duration(hash.Sum32() % 1000)
	return min(delay+delay/2*perMille/1000, longestDelay)
}

// untilRetry is how long a start has to wait.
func untilRetry(failure *kubevirtv1.VirtualMachineStartFailure, now time.Time) time.Duration {
	if failure == nil || failure.RetryAfterTimestamp == nil {
		return 0
	}
	return max(failure.RetryAfterTimestamp.Sub(now), 0)
}
