// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

const (
	// reasonTransfer, of the condition Ready, is upstream's: the transfer runs.
	reasonTransfer = "TransferRunning"

	progressUnknown  cdiv1.DataVolumeProgress = "N/A"
	progressComplete cdiv1.DataVolumeProgress = "100.0%"
)

// next is a status that is made from the one before. Its methods change it step by step.
type next struct {
	cdiv1.DataVolumeStatus
	wording
	now metav1.Time
}

// nextOf returns the status of dv as it is, to be changed.
func nextOf(dv *cdiv1.DataVolume, now time.Time) *next {
	n := &next{DataVolumeStatus: *dv.Status.DeepCopy(), wording: wordingOf(dv), now: metav1.NewTime(now)}
	n.ClaimName = dv.Name
	if n.Progress == "" {
		n.Progress = progressUnknown
	}
	return n
}

// pending waits for the claim to be bound.
func (n *next) pending(phase cdiv1.DataVolumePhase) *next {
	n.Phase, n.Progress = phase, progressUnknown
	n.set(cdiv1.DataVolumeBound, corev1.ConditionFalse, cdiv1.BoundReasonPending, fmt.Sprintf("PVC %s Pending", n.ClaimName))
	return n.idle(corev1.ConditionFalse)
}

// obstructed cannot have its claim. With quota, or once there is something to copy, it may, later.
func (n *next) obstructed(o *obstacle) *next {
	n.Phase, n.Progress = cdiv1.PhaseUnset, progressUnknown
	switch o.reason {
	case cdiv1.BoundReasonQuota, cdiv1.BoundReasonNoSource, cdiv1.BoundReasonSourceNotReady:
		n.Phase = cdiv1.Pending
	}
	n.set(cdiv1.DataVolumeBound, corev1.ConditionFalse, o.reason, o.message)
	n.set(cdiv1.DataVolumeReady, corev1.ConditionFalse, o.reason, o.message)
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionFalse, "", "")
	return n
}

// lost has a claim whose volume is gone.
func (n *next) lost() *next {
	n.Phase = cdiv1.Failed
	n.set(cdiv1.DataVolumeBound, corev1.ConditionFalse, cdiv1.BoundReasonLost,
		fmt.Sprintf("Claim Lost: the volume of PVC %s is gone", n.ClaimName))
	return n.idle(corev1.ConditionFalse)
}

// unknown has a claim in a phase that nobody knows.
func (n *next) unknown(phase corev1.PersistentVolumeClaimPhase) *next {
	n.Phase = cdiv1.Unknown
	n.set(cdiv1.DataVolumeBound, corev1.ConditionFalse, "", fmt.Sprintf("PVC %s %s", n.ClaimName, phase))
	return n.idle(corev1.ConditionUnknown)
}

// idle transfers nothing, and gives no reason for it.
func (n *next) idle(ready corev1.ConditionStatus) *next {
	n.set(cdiv1.DataVolumeReady, ready, "", "")
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionFalse, "", "")
	return n
}

func (n *next) bound() {
	n.set(cdiv1.DataVolumeBound, corev1.ConditionTrue, cdiv1.BoundReasonBound, fmt.Sprintf("PVC %s Bound", n.ClaimName))
}

// waiting waits for its turn, or for what it says. After a failure the phase stays, as upstream's does.
func (n *next) waiting(what string) *next {
	n.bound()
	if n.Phase != n.inProgress {
		n.Phase = n.scheduled
	}
	reason := cdiv1.RunningReasonCreating
	if what != "" {
		reason = cdiv1.RunningReasonSourceInUse
	}
	n.set(cdiv1.DataVolumeReady, corev1.ConditionFalse, "", what)
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionFalse, reason, what)
	return n
}

// running transfers.
func (n *next) running(progress float64) *next {
	n.bound()
	n.Phase = n.inProgress
	n.Progress = formatProgress(progress)
	n.set(cdiv1.DataVolumeReady, corev1.ConditionFalse, reasonTransfer, "")
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionTrue, cdiv1.RunningReasonRunning, "")
	return n
}

func (n *next) done() *next {
	n.bound()
	n.Phase, n.Progress = cdiv1.Succeeded, progressComplete
	n.set(cdiv1.DataVolumeReady, corev1.ConditionTrue, "", "")
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionFalse, cdiv1.RunningReasonCompleted, n.complete)
	return n
}

// adopted has a claim that needs no filling.
func (n *next) adopted(bound bool) *next {
	n.Phase = cdiv1.Succeeded
	if bound {
		n.bound()
	} else {
		n.set(cdiv1.DataVolumeBound, corev1.ConditionFalse, cdiv1.BoundReasonPending, fmt.Sprintf("PVC %s Pending", n.ClaimName))
	}
	return n.idle(corev1.ConditionTrue)
}

// fail tells why an attempt failed that was scheduled, or running, and when: the delay of the next is
// counted from the heartbeat. A permanent failure is the end.
func (n *next) fail(err *failure.Error) {
	message := err.Reason + ": " + err.Message
	n.set(cdiv1.DataVolumeReady, corev1.ConditionFalse, "", message)
	n.set(cdiv1.DataVolumeRunning, corev1.ConditionFalse, n.failureReason(err), message)
	n.beat()
	n.Progress = progressUnknown
	switch {
	case err.Permanent:
		n.Phase = cdiv1.Failed
	case n.RestartCount < math.MaxInt32:
		n.RestartCount++
	}
}

// failureReason is the word for err that clients know.
func (n *next) failureReason(err *failure.Error) string {
	switch {
	case err.Reason == failure.ChecksumError:
		return cdiv1.RunningReasonChecksumError
	case n.pulls && err.InTransit():
		return cdiv1.RunningReasonImagePullFailed
	}
	return cdiv1.RunningReasonError
}

// set changes a condition, and its times, if it says something new.
func (n *next) set(kind cdiv1.DataVolumeConditionType, status corev1.ConditionStatus, reason, message string) {
	condition := cdiv1.DataVolumeCondition{
		Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: n.now, LastHeartbeatTime: n.now,
	}
	had := n.Condition(kind)
	switch {
	case had == nil:
		n.Conditions = append(n.Conditions, condition)
		return
	case had.Status == status && had.Reason == reason && had.Message == message:
		return
	case had.Status == status:
		condition.LastTransitionTime = had.LastTransitionTime
	}
	*had = condition
}

// beat notes when something happened to the transfer that changes no condition.
func (n *next) beat() {
	if running := n.Condition(cdiv1.DataVolumeRunning); running != nil {
		running.LastHeartbeatTime = n.now
	}
}

// lastBeat is when something last happened to the transfer, or long ago.
func lastBeat(status *cdiv1.DataVolumeStatus) time.Time {
	if running := status.Condition(cdiv1.DataVolumeRunning); running != nil {
		return running.LastHeartbeatTime.Time
	}
	return time.Time{}
}

func formatProgress(progress float64) cdiv1.DataVolumeProgress {
	if progress < 0 {
		return progressUnknown
	}
	return cdiv1.DataVolumeProgress(fmt.Sprintf("%.2f%%", progress*100))
}

// percent is the inverse of formatProgress, in percent; negative where it is not known.
func percent(progress cdiv1.DataVolumeProgress) float64 {
	value, err := strconv.ParseFloat(strings.TrimSuffix(string(progress), "%"), 64)
	if err != nil {
		return -1
	}
	return value
}
