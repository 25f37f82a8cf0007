// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// adopts says whether dv takes the claim as it is, with what is on it: one that was not made for dv, where dv asks for
// that or the claim says that it was filled for a DataVolume of this name. Backups that are restored rely on both.
func adopts(dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim) bool {
	if claim.Annotations[cdiv1.CreatedForDataVolumeAnnotation] == string(dv.UID) {
		return false
	}
	return cdiv1.AdoptsClaim(dv) || claim.Annotations[cdiv1.PopulatedForAnnotation] == dv.Name
}

// adopt makes the claim dv's, which is done with that.
func (c *Controller) adopt(ctx context.Context, dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim) (time.Duration, error) {
	if !metav1.IsControlledBy(claim, dv) {
		if owner := metav1.GetControllerOf(claim); owner != nil {
			return c.obstructed(ctx, dv, claimNotValid("PVC %s belongs to %s %s: delete that first, or give the DataVolume another name",
				claim.Name, owner.Kind, owner.Name))
		}
		taken := claim.DeepCopy()
		taken.OwnerReferences = append(taken.OwnerReferences, *metav1.NewControllerRef(dv, cdiv1.SchemeGroupVersion.WithKind("DataVolume")))
		if _, err := c.core.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(ctx, taken, metav1.UpdateOptions{}); err != nil {
			return 0, fmt.Errorf("adopt the claim: %w", err)
		}
	}
	if claim.Status.Phase == corev1.ClaimLost {
		return c.withoutImport(ctx, dv, nextOf(dv, time.Now()).lost())
	}
	return c.withoutImport(ctx, dv, nextOf(dv, time.Now()).adopted(claim.Status.Phase == corev1.ClaimBound))
}
