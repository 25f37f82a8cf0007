// SPDX-License-Identifier: Apache-2.0

package v1beta1

import corev1 "k8s.io/api/core/v1"

// Condition returns the condition of that type inside s, or nil.
func (s *DataVolumeStatus) Condition(kind DataVolumeConditionType) *DataVolumeCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

// Failure says whether the last attempt to fill the DataVolume failed and the next has not begun, and why. As
// upstream's, a DataVolume is seldom in phase Failed: most failures are tried again, and show in the condition
// Running.
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
	case RunningReasonError, RunningReasonImagePullFailed, RunningReasonChecksumError:
		return running.Message, true
	}
	return "", false
}

// Obstacle says what keeps the DataVolume from having its claim, and whether somebody has to mend that. A source
// that is not there yet may come by itself.
func (dv *DataVolume) Obstacle() (message string, fault bool) {
	bound := dv.Status.Condition(DataVolumeBound)
	if bound == nil || bound.Status != corev1.ConditionFalse {
		return "", false
	}
	switch bound.Reason {
	case BoundReasonNotValid, BoundReasonQuota, BoundReasonIncompatible:
		return bound.Message, true
	case BoundReasonNoSource, BoundReasonSourceNotReady:
		return bound.Message, false
	}
	return "", false
}
