// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
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
// own name, or "" where there is none. The claim of an ephemeral volume is only read.
func (v *VolumeSource) ClaimName() string {
	switch {
	case v.DataVolume != nil:
		return v.DataVolume.Name
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil && v.Ephemeral.PersistentVolumeClaim != nil:
		return v.Ephemeral.PersistentVolumeClaim.ClaimName
	default:
		return ""
	}
}

// IsHotpluggable says whether the volume can be added to and removed from a running guest.
func (v *VolumeSource) IsHotpluggable() bool {
	return v.DataVolume != nil && ptr.Deref(v.DataVolume.Hotpluggable, false) || v.PersistentVolumeClaim != nil && ptr.Deref(v.PersistentVolumeClaim.Hotpluggable, false)
}

// AddedVolumes are the names of volumes that the instance was given while it ran, and its machine's template
// may not have.
func (vmi *VirtualMachineInstance) AddedVolumes() []string {
	return strings.FieldsFunc(vmi.Annotations[AddedVolumesAnnotation], func(r rune) bool { return r == ',' })
}

// SetAddedVolumes keeps what AddedVolumes returns.
func (vmi *VirtualMachineInstance) SetAddedVolumes(names []string) {
	if len(names) == 0 {
		delete(vmi.Annotations, AddedVolumesAnnotation)
		return
	}
	metav1.SetMetaDataAnnotation(&vmi.ObjectMeta, AddedVolumesAnnotation, strings.Join(names, ","))
}

// UsedClaimNames returns the names of the claims that the instance uses: those of its volumes, and those
// that its guest has not given up yet.
func (vmi *VirtualMachineInstance) UsedClaimNames() []string {
	names := vmi.Spec.ClaimNames()
	for _, volume := range vmi.Status.VolumeStatus {
		if claim := volume.PersistentVolumeClaimInfo; claim != nil && !slices.Contains(names, claim.ClaimName) {
			names = append(names, claim.ClaimName)
		}
	}
	return names
}

// WritesClaim says whether the guest may write to the claim of that name, which it uses.
func (vmi *VirtualMachineInstance) WritesClaim(name string) bool {
	return vmi.Spec.WritesClaim(name) || !slices.Contains(vmi.Spec.ClaimNames(), name)
}

// WritesClaim says whether the guest may write to the claim of that name.
func (s *VirtualMachineInstanceSpec) WritesClaim(name string) bool {
	return slices.ContainsFunc(s.Volumes, func(v Volume) bool { return v.Ephemeral == nil && v.ClaimName() == name })
}

// ConfigMapNames returns the names of the ConfigMaps that the volume can't be made without.
func (v *VolumeSource) ConfigMapNames() []string {
	switch {
	case v.ConfigMap != nil && !ptr.Deref(v.ConfigMap.Optional, false):
		return []string{ptr.Deref(v.ConfigMap.Name, "")}
	case v.Sysprep != nil && v.Sysprep.ConfigMap != nil:
		return []string{v.Sysprep.ConfigMap.Name}
	}
	return nil
}

// SecretNames returns the names of the Secrets that the volume can't be made without.
func (v *VolumeSource) SecretNames() []string {
	var names []string
	if v.Secret != nil && !ptr.Deref(v.Secret.Optional, false) {
		names = append(names, ptr.Deref(v.Secret.SecretName, ""))
	}
	if v.Sysprep != nil && v.Sysprep.Secret != nil {
		names = append(names, v.Sysprep.Secret.Name)
	}
	if disk := v.ContainerDisk; disk != nil && ptr.Deref(disk.ImagePullSecret, "") != "" {
		names = append(names, ptr.Deref(disk.ImagePullSecret, ""))
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

// Given is for an optional field: nil where the value is the type's zero.
func Given[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// LongGrace says how long the guest may take to power off, where that is longer than without a word from the user.
func (vmi *VirtualMachineInstance) LongGrace() string {
	grace := vmi.Spec.TerminationGracePeriodSeconds
	if vmi.IsFinal() || grace == nil || *grace <= DefaultTerminationGracePeriodSeconds {
		return ""
	}
	return fmt.Sprintf("the guest may take up to %s to power off", time.Duration(*grace)*time.Second)
}

// Request is what is requested of a resource, and whether it is. A nil *ResourceRequirements requests nothing.
func (r *ResourceRequirements) Request(name corev1.ResourceName) (verbatim.Quantity, bool) {
	if r == nil {
		return verbatim.Quantity{}, false
	}
	quantity, ok := r.Requests[name]
	return quantity, ok
}

// Limit is the most of a resource, and whether there is one. A nil *ResourceRequirements limits nothing.
func (r *ResourceRequirements) Limit(name corev1.ResourceName) (verbatim.Quantity, bool) {
	if r == nil {
		return verbatim.Quantity{}, false
	}
	quantity, ok := r.Limits[name]
	return quantity, ok
}

// HasACPI says whether the guest can be asked to power off.
func (f *Features) HasACPI() bool { return f == nil || f.ACPI == nil || f.ACPI.On() }
