// SPDX-License-Identifier: Apache-2.0

package core

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/table"
)

func claims() kind[*corev1.PersistentVolumeClaim] {
	return kind[*corev1.PersistentVolumeClaim]{
		groupVersion: corev1.SchemeGroupVersion,
		resource:     "persistentvolumeclaims",
		singular:     "persistentvolumeclaim",
		shortNames:   []string{"pvc"},
		newObject:    func() *corev1.PersistentVolumeClaim { return &corev1.PersistentVolumeClaim{} },
		newList:      func() runtime.Object { return &corev1.PersistentVolumeClaimList{} },
		validName:    validation.NameIsDNSSubdomain,
		prepareForCreate: func(claim *corev1.PersistentVolumeClaim) {
			claim.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}
		},
		prepareForUpdate: func(claim, old *corev1.PersistentVolumeClaim) { claim.Status = old.Status },
		validateCreate:   validateNewClaim,
		validateUpdate:   validateClaimUpdate,
		ignored:          []string{"status"},
		columns: []metav1.TableColumnDefinition{
			table.NameColumn(),
			{Name: "Status", Type: "string", Description: "Pending until the claim has its volume, then Bound."},
			{Name: "Volume", Type: "string", Description: "The volume that the claim has."},
			{Name: "Capacity", Type: "string", Description: "The size of the volume."},
			{Name: "Access Modes", Type: "string", Description: "How the volume can be used."},
			{Name: "StorageClass", Type: "string", Description: "The class that the volume is of."},
			{Name: "VolumeAttributesClass", Type: "string", Description: "The class of the volume's attributes."},
			table.AgeColumn(),
			{Name: "VolumeMode", Type: "string", Priority: 1, Description: "Whether the volume is a file system or a block device."},
		},
		cells: claimCells,
	}
}

func defaultClaim(claim *corev1.PersistentVolumeClaim) {
	if claim.Status.Phase == "" {
		claim.Status.Phase = corev1.ClaimPending
	}
	if claim.Spec.VolumeMode == nil {
		claim.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeFilesystem)
	}
}

// keepClaimSpec is what an update of the status leaves as it is.
func keepClaimSpec(claim, old *corev1.PersistentVolumeClaim) { claim.Spec = old.Spec }

func claimCells(claim *corev1.PersistentVolumeClaim) []any {
	status, capacity, modes := string(claim.Status.Phase), "", ""
	if claim.DeletionTimestamp != nil {
		status = "Terminating"
	}
	if claim.Spec.VolumeName != "" {
		capacity, modes = claim.Status.Capacity.Storage().String(), shortModes(claim.Status.AccessModes)
	}
	return []any{
		claim.Name, status, claim.Spec.VolumeName, capacity, modes, ptr.Deref(claim.Spec.StorageClassName, ""),
		ptr.Deref(claim.Spec.VolumeAttributesClassName, "<unset>"), table.Age(claim.CreationTimestamp),
		string(ptr.Deref(claim.Spec.VolumeMode, "<unset>")),
	}
}

// accessModes are all there are, with their short forms, in the order in which they are shown.
func accessModes() []struct {
	mode  corev1.PersistentVolumeAccessMode
	short string
} {
	return []struct {
		mode  corev1.PersistentVolumeAccessMode
		short string
	}{
		{corev1.ReadWriteOnce, "RWO"},
		{corev1.ReadOnlyMany, "ROX"},
		{corev1.ReadWriteMany, "RWX"},
		{corev1.ReadWriteOncePod, "RWOP"},
	}
}

func shortModes(modes []corev1.PersistentVolumeAccessMode) string {
	var short []string
	for _, known := range accessModes() {
		for _, mode := range modes {
			if mode == known.mode {
				short = append(short, known.short)
				break
			}
		}
	}
	return strings.Join(short, ",")
}
