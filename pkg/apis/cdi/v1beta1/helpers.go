// SPDX-License-Identifier: Apache-2.0

package v1beta1

import corev1 "k8s.io/api/core/v1"

// Reasons of the Running condition that tell of no failure.
const (
	// RunningReasonPending: there is nothing to run yet.
	RunningReasonPending = "Pending"
	// RunningReasonScheduled: the transfer waits for its turn or its workload.
	RunningReasonScheduled = "ImportScheduled"
	// RunningReasonCloneScheduled: the same for the copy of a claim.
	RunningReasonCloneScheduled = "CloneScheduled"
	// RunningReasonSourceInUse: something writes to the claim that is to be copied.
	RunningReasonSourceInUse = "CloneSourceInUse"
	// RunningReasonCompleted: the transfer is done.
	RunningReasonCompleted = "Completed"
)

// Condition returns the condition of that type inside s, or nil.
func (s *DataVolumeStatus) Condition(kind DataVolumeConditionType) *DataVolumeCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

// Failure says whether the DataVolume cannot be filled, or the last attempt failed and the next has not
// begun, and why. As upstream's, a DataVolume is seldom in phase Failed: most failures are tried again, and
// show in the Running condition.
func (dv *DataVolume) Failure() (message string, failed bool) {
	if dv.Status.Phase == Succeeded {
		return "", false
	}
	running := dv.Status.Condition(DataVolumeRunning)
	if running == nil {
		return "", dv.Status.Phase == Failed
	}
	if dv.Status.Phase == Failed {
		return running.Message, true
	}
	if running.Status != corev1.ConditionFalse {
		return "", false
	}
	switch running.Reason {
	case "", RunningReasonPending, RunningReasonScheduled, RunningReasonCloneScheduled, RunningReasonSourceInUse, RunningReasonCompleted:
		return "", false
	default:
		return running.Message, true
	}
}
