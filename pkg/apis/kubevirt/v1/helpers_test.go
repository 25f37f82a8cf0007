// SPDX-License-Identifier: Apache-2.0

package v1_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	v1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestRunningIsAnOldNameOfRunStrategy(t *testing.T) {
	for name, test := range map[string]struct {
		spec v1.VirtualMachineSpec
		want v1.VirtualMachineRunStrategy
	}{
		"running":       {v1.VirtualMachineSpec{Running: ptr.To(true)}, v1.RunStrategyAlways},
		"not running":   {v1.VirtualMachineSpec{Running: ptr.To(false)}, v1.RunStrategyHalted},
		"neither":       {v1.VirtualMachineSpec{}, v1.RunStrategyHalted},
		"run strategy":  {v1.VirtualMachineSpec{RunStrategy: ptr.To(v1.RunStrategyManual)}, v1.RunStrategyManual},
		"strategy wins": {v1.VirtualMachineSpec{Running: ptr.To(true), RunStrategy: ptr.To(v1.RunStrategyOnce)}, v1.RunStrategyOnce},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, (&v1.VirtualMachine{Spec: test.spec}).EffectiveRunStrategy())
		})
	}
}

func TestPhaseTransitionsAreNotedOnce(t *testing.T) {
	var vmi v1.VirtualMachineInstance
	start := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	vmi.Status.SetPhase(v1.Scheduled, start)
	vmi.Status.SetPhase(v1.Scheduled, metav1.NewTime(start.Add(time.Second)))
	assert.False(t, vmi.WasRunning())
	vmi.Status.SetPhase(v1.Running, metav1.NewTime(start.Add(2*time.Second)))
	vmi.Status.SetPhase(v1.Failed, metav1.NewTime(start.Add(3*time.Second)))

	require.Len(t, vmi.Status.PhaseTransitionTimestamps, 3)
	assert.Equal(t, start, vmi.Status.PhaseTransitionTimestamps[0].PhaseTransitionTimestamp)
	assert.True(t, vmi.IsFinal())
	assert.False(t, vmi.IsRunning())
	assert.True(t, vmi.WasRunning())
}

func TestAnInstanceIsItsNodesUntilItEnds(t *testing.T) {
	vmi := v1.VirtualMachineInstance{}
	assert.False(t, vmi.IsScheduled())
	vmi.Status.NodeName = "node"
	assert.True(t, vmi.IsScheduled())
	vmi.Status.Phase = v1.Succeeded
	assert.False(t, vmi.IsScheduled())
}

func TestTransitionTimeMovesWithTheStatusOnly(t *testing.T) {
	first := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	later := metav1.NewTime(first.Add(time.Hour))
	ready := func(status corev1.ConditionStatus, message string) v1.VirtualMachineInstanceCondition {
		return v1.VirtualMachineInstanceCondition{Type: v1.VirtualMachineInstanceReady, Status: status, Message: message}
	}
	var status v1.VirtualMachineInstanceStatus
	assert.Nil(t, status.Condition(v1.VirtualMachineInstanceReady))
	assert.False(t, status.HasCondition(v1.VirtualMachineInstanceReady, corev1.ConditionFalse))

	status.SetCondition(ready(corev1.ConditionFalse, "a"), first)
	status.SetCondition(ready(corev1.ConditionFalse, "b"), later)
	assert.Equal(t, first, status.Condition(v1.VirtualMachineInstanceReady).LastTransitionTime)
	assert.Equal(t, "b", status.Condition(v1.VirtualMachineInstanceReady).Message)

	status.SetCondition(ready(corev1.ConditionTrue, ""), later)
	assert.Equal(t, later, status.Condition(v1.VirtualMachineInstanceReady).LastTransitionTime)
	assert.True(t, status.HasCondition(v1.VirtualMachineInstanceReady, corev1.ConditionTrue))
	status.RemoveCondition(v1.VirtualMachineInstanceReady)
	assert.Empty(t, status.Conditions)
}

func TestClaimsAndSecretsOfVolumes(t *testing.T) {
	secret := func(name string) *corev1.LocalObjectReference { return &corev1.LocalObjectReference{Name: name} }
	spec := v1.VirtualMachineInstanceSpec{Volumes: []v1.Volume{
		{Name: "a", VolumeSource: v1.VolumeSource{DataVolume: &v1.DataVolumeSource{Name: "dv"}}},
		{Name: "b", VolumeSource: v1.VolumeSource{PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: "pvc"}}},
		{Name: "c", VolumeSource: v1.VolumeSource{PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: "dv"}}},
		{Name: "d", VolumeSource: v1.VolumeSource{CloudInitNoCloud: &v1.CloudInitSource{UserDataSecretRef: secret("user")}}},
		{Name: "e", VolumeSource: v1.VolumeSource{CloudInitConfigDrive: &v1.CloudInitSource{UserDataSecretRef: secret("u"), NetworkDataSecretRef: secret("n")}}},
		{Name: "f", VolumeSource: v1.VolumeSource{EmptyDisk: &v1.EmptyDiskSource{}}},
	}}
	assert.Equal(t, []string{"dv", "pvc"}, spec.ClaimNames())
	var secrets []string
	for i := range spec.Volumes {
		secrets = append(secrets, spec.Volumes[i].SecretNames()...)
	}
	assert.Equal(t, []string{"user", "u", "n"}, secrets)
}
