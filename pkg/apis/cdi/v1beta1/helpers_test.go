// SPDX-License-Identifier: Apache-2.0

package v1beta1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

func TestFailureIsToldByPhaseAndRunningCondition(t *testing.T) {
	running := func(status corev1.ConditionStatus, reason string) []v1beta1.DataVolumeCondition {
		return []v1beta1.DataVolumeCondition{
			{Type: v1beta1.DataVolumeBound, Status: corev1.ConditionTrue},
			{Type: v1beta1.DataVolumeRunning, Status: status, Reason: reason, Message: "m"},
		}
	}
	for name, test := range map[string]struct {
		phase      v1beta1.DataVolumePhase
		conditions []v1beta1.DataVolumeCondition
		message    string
		failed     bool
	}{
		"new":            {},
		"not yet":        {phase: v1beta1.Pending, conditions: running(corev1.ConditionFalse, "")},
		"in progress":    {phase: v1beta1.ImportInProgress, conditions: running(corev1.ConditionTrue, "Pod is running")},
		"will be tried":  {v1beta1.ImportInProgress, running(corev1.ConditionFalse, "Error"), "m", true},
		"in line":        {phase: v1beta1.ImportScheduled, conditions: running(corev1.ConditionFalse, v1beta1.RunningReasonCreating)},
		"in use":         {phase: v1beta1.CloneScheduled, conditions: running(corev1.ConditionFalse, v1beta1.RunningReasonSourceInUse)},
		"no image":       {v1beta1.ImportScheduled, running(corev1.ConditionFalse, "ImagePullFailed"), "m", true},
		"done":           {phase: v1beta1.Succeeded, conditions: running(corev1.ConditionFalse, "Error")},
		"failed":         {v1beta1.Failed, running(corev1.ConditionFalse, ""), "m", true},
		"failed, silent": {v1beta1.Failed, nil, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			dv := v1beta1.DataVolume{Status: v1beta1.DataVolumeStatus{Phase: test.phase, Conditions: test.conditions}}
			message, failed := dv.Failure()
			assert.Equal(t, test.failed, failed)
			assert.Equal(t, test.message, message)
		})
	}
}

func TestObstacleIsToldByTheBoundCondition(t *testing.T) {
	for reason, fault := range map[string]bool{
		"ErrClaimNotValid": true, "ErrExceededQuota": true, "ErrIncompatiblePVC": true, "CloneWithoutSource": false, "CloneSourceNotReady": false,
	} {
		dv := v1beta1.DataVolume{Status: v1beta1.DataVolumeStatus{Conditions: []v1beta1.DataVolumeCondition{
			{Type: v1beta1.DataVolumeBound, Status: corev1.ConditionFalse, Reason: reason, Message: "m"},
		}}}
		message, isFault := dv.Obstacle()
		assert.Equal(t, "m", message)
		assert.Equal(t, fault, isFault, reason)
		_, failed := dv.Failure()
		assert.False(t, failed, "nothing was tried")
		dv.Status.Conditions[0].Reason = "Pending"
		message, _ = dv.Obstacle()
		assert.Empty(t, message)
	}
}
