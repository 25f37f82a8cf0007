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
		"not yet":        {phase: v1beta1.Pending, conditions: running(corev1.ConditionFalse, v1beta1.RunningReasonPending)},
		"in progress":    {phase: v1beta1.ImportInProgress, conditions: running(corev1.ConditionTrue, "Pod is running")},
		"will be tried":  {v1beta1.ImportInProgress, running(corev1.ConditionFalse, "ConnectionFailed"), "m", true},
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
