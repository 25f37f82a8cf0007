// SPDX-License-Identifier: Apache-2.0

package node

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// setVolumes tells of each volume whether the guest has it, and where. What is known of a claim is kept
// where claims does not have it; waiting says why a volume has not come, or not gone.
func setVolumes(status *kubevirtv1.VirtualMachineInstanceStatus, vmi *kubevirtv1.VirtualMachineInstance, domain api.DomainStatus, claims map[string]*corev1.PersistentVolumeClaim, waiting map[string]*trouble) {
	before := make(map[string]kubevirtv1.VolumeStatus, len(status.VolumeStatus))
	for _, volume := range status.VolumeStatus {
		before[volume.Name] = volume
	}
	var volumes []kubevirtv1.VolumeStatus
	for i := range vmi.Spec.Volumes {
		volume := &vmi.Spec.Volumes[i]
		now := kubevirtv1.VolumeStatus{
			Name:                      volume.Name,
			Target:                    domain.Targets[volume.Name],
			Phase:                     kubevirtv1.VolumeReady,
			PersistentVolumeClaimInfo: before[volume.Name].PersistentVolumeClaimInfo,
			Size:                      before[volume.Name].Size,
		}
		if volume.IsHotpluggable() {
			now.HotplugVolume = &kubevirtv1.HotplugVolumeStatus{}
			if now.Target == "" && domain.Targets != nil {
				now.Phase = kubevirtv1.VolumePending
			}
		}
		setWaiting(&now, waiting[volume.Name])
		if claim := claims[volume.Name]; claim != nil {
			now.PersistentVolumeClaimInfo = claimInfo(claim)
			now.Size = claim.Status.Capacity.Storage().Value()
		}
		if volume.EmptyDisk != nil {
			now.Size = volume.EmptyDisk.Capacity.Value() &^ (1<<20 - 1)
		}
		volumes = append(volumes, now)
		delete(before, volume.Name)
	}
	status.VolumeStatus = append(volumes, leaving(before, domain, waiting)...)
}

// leaving are the volumes that the spec has no more and the guest still has, by name.
func leaving(before map[string]kubevirtv1.VolumeStatus, domain api.DomainStatus, waiting map[string]*trouble) []kubevirtv1.VolumeStatus {
	var volumes []kubevirtv1.VolumeStatus
	for _, name := range slices.Sorted(maps.Keys(before)) {
		target, has := domain.Targets[name]
		if !has {
			continue
		}
		volume := before[name]
		volume.Target, volume.Phase, volume.Reason, volume.Message = target, kubevirtv1.VolumeDetaching, "", ""
		setWaiting(&volume, waiting[name])
		volumes = append(volumes, volume)
	}
	return volumes
}

func setWaiting(volume *kubevirtv1.VolumeStatus, why *trouble) {
	if why != nil {
		volume.Reason, volume.Message = why.reason, messageOf(why.err)
	}
}

func claimInfo(claim *corev1.PersistentVolumeClaim) *kubevirtv1.PersistentVolumeClaimInfo {
	return &kubevirtv1.PersistentVolumeClaimInfo{
		ClaimName:   claim.Name,
		AccessModes: claim.Spec.AccessModes,
		VolumeMode:  claim.Spec.VolumeMode,
		Capacity:    claim.Status.Capacity,
		Requests:    claim.Spec.Resources.Requests,
	}
}
