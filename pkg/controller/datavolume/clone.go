// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// sourceIndex finds DataVolumes by the claim that they copy.
const sourceIndex = "datavolume.source"

func indexBySource(obj any) ([]string, error) {
	dv, ok := obj.(*cdiv1.DataVolume)
	if !ok {
		return nil, fmt.Errorf("index %T by source: not a DataVolume", obj)
	}
	if source := copied(dv); source != nil {
		return []string{cache.NewObjectName(source.Namespace, source.Name).String()}, nil
	}
	return nil, nil
}

// copied is the claim that dv copies, or nil.
func copied(dv *cdiv1.DataVolume) *cdiv1.DataVolumeSourcePVC {
	if dv.Spec.Source == nil {
		return nil
	}
	return dv.Spec.Source.PVC
}

// enqueueCopies has the DataVolumes looked at that wait for a claim, or for the DataVolume of that name.
func (c *Controller) enqueueCopies(source metav1.Object) {
	copies, err := c.bySource.ByIndex(sourceIndex, cache.MetaObjectToName(source).String())
	if err != nil {
		return // there is such an index: New made it
	}
	for _, dv := range copies {
		if dv := dv.(*cdiv1.DataVolume); !isFinal(dv) {
			c.queue.Add(cache.MetaObjectToName(dv))
		}
	}
}

// source returns the claim that dv copies, with its disk. The error may be an obstacle.
func (c *Controller) source(dv *cdiv1.DataVolume) (*corev1.PersistentVolumeClaim, error) {
	name := cache.NewObjectName(copied(dv).Namespace, copied(dv).Name)
	claim, err := c.claims.PersistentVolumeClaims(name.Namespace).Get(name.Name)
	if apierrors.IsNotFound(err) {
		return nil, &obstacle{cdiv1.BoundReasonNoSource, fmt.Sprintf("PVC %s, which is to be copied, does not exist yet", name)}
	}
	if err != nil {
		return nil, fmt.Errorf("get the claim that is copied: %w", err)
	}
	if claim.Status.Phase != corev1.ClaimBound {
		return nil, &obstacle{cdiv1.BoundReasonSourceNotReady, fmt.Sprintf("PVC %s, which is to be copied, is not bound yet", name)}
	}
	filler, err := c.volumes.DataVolumes(name.Namespace).Get(name.Name)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return nil, fmt.Errorf("get the DataVolume that is copied: %w", err)
	case metav1.IsControlledBy(claim, filler) && filler.Status.Phase != cdiv1.Succeeded:
		return nil, &obstacle{cdiv1.BoundReasonSourceNotReady, fmt.Sprintf("PVC %s, which is to be copied, is not filled yet", name)}
	}
	return claim, nil
}

// sourceSize is how large the disk is that dv copies.
func (c *Controller) sourceSize(dv *cdiv1.DataVolume) (int64, error) {
	claim, err := c.source(dv)
	if err != nil {
		return 0, err
	}
	class, _, err := c.class(claim.Spec.StorageClassName)
	if err != nil {
		return 0, err
	}
	lost, err := overheadOf(class, claim.Spec.VolumeMode)
	if err != nil {
		return 0, claimNotValid("%v", err)
	}
	// It may have been expanded.
	capacity := claim.Status.Capacity[corev1.ResourceStorage]
	return lost.remove(roundUp(capacity.Value())), nil
}
