// SPDX-License-Identifier: Apache-2.0

package node

import (
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// setVolumes tells of each volume that the guest has it, and where. What is known of a claim is kept
// where claims does not have it.
func setVolumes(status *kubevirtv1.VirtualMachineInstanceStatus, vmi *kubevirtv1.VirtualMachineInstance, domain api.DomainStatus, claims map[string]*corev1.PersistentVolumeClaim) {
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
		if claim := claims[volume.Name]; claim != nil {
			now.PersistentVolumeClaimInfo = claimInfo(claim)
			now.Size = claim.Status.Capacity.Storage().Value()
		}
		if volume.EmptyDisk != nil {
			now.Size = volume.EmptyDisk.Capacity.Value() &^ (1<<20 - 1)
		}
		volumes = append(volumes, now)
	}
	status.VolumeStatus = volumes
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
