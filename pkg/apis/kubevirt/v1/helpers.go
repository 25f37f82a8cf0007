// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EffectiveRunStrategy resolves running and runStrategy. A machine that has neither, which validation
// refuses, counts as Halted.
func (vm *VirtualMachine) EffectiveRunStrategy() VirtualMachineRunStrategy {
	switch {
	case vm.Spec.RunStrategy != nil:
		return *vm.Spec.RunStrategy
	case vm.Spec.Running != nil && *vm.Spec.Running:
		return RunStrategyAlways
	default:
		return RunStrategyHalted
	}
}

// IsFinal says whether the instance has ended, well or badly. It will never run again.
func (vmi *VirtualMachineInstance) IsFinal() bool {
	return vmi.Status.Phase == Succeeded || vmi.Status.Phase == Failed
}

// IsRunning says whether the guest's domain runs; a paused guest does.
func (vmi *VirtualMachineInstance) IsRunning() bool {
	return vmi.Status.Phase == Running
}

// IsScheduled says whether the instance was handed to the agent of a node and has not ended.
// Until it is, the VMI controller writes its status; from then on that node's agent does.
func (vmi *VirtualMachineInstance) IsScheduled() bool {
	return vmi.Status.NodeName != "" && !vmi.IsFinal()
}

// WasRunning says whether the guest's domain ever ran.
func (vmi *VirtualMachineInstance) WasRunning() bool {
	if vmi.IsRunning() {
		return true
	}
	for _, transition := range vmi.Status.PhaseTransitionTimestamps {
		if transition.Phase == Running {
			return true
		}
	}
	return false
}

// SetPhase enters phase, and notes when, unless the instance is there already.
func (s *VirtualMachineInstanceStatus) SetPhase(phase VirtualMachineInstancePhase, now metav1.Time) {
	if s.Phase == phase {
		return
	}
	s.Phase = phase
	s.PhaseTransitionTimestamps = append(s.PhaseTransitionTimestamps,
		VirtualMachineInstancePhaseTransitionTimestamp{Phase: phase, PhaseTransitionTimestamp: now})
}

// ClaimName returns the name of the PersistentVolumeClaim behind the volume, which for a DataVolume is its
// own name, or "" where there is none.
func (v *VolumeSource) ClaimName() string {
	switch {
	case v.DataVolume != nil:
		return v.DataVolume.Name
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	default:
		return ""
	}
}

// SecretNames returns the names of the Secrets that the volume is made from.
func (v *VolumeSource) SecretNames() []string {
	var names []string
	if disk := v.ContainerDisk; disk != nil && disk.ImagePullSecret != "" {
		names = append(names, disk.ImagePullSecret)
	}
	for _, source := range []*CloudInitSource{v.CloudInitNoCloud, v.CloudInitConfigDrive} {
		if source == nil {
			continue
		}
		for _, ref := range []*corev1.LocalObjectReference{source.UserDataSecretRef, source.NetworkDataSecretRef} {
			if ref != nil {
				names = append(names, ref.Name)
			}
		}
	}
	return names
}

// ClaimNames returns the names of the claims behind the volumes, in their order, each once.
func (s *VirtualMachineInstanceSpec) ClaimNames() []string {
	var names []string
	for i := range s.Volumes {
		if name := s.Volumes[i].ClaimName(); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
