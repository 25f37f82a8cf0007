// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// importOf returns the next attempt to fill the claim of dv. The error is one of the attempt's.
func (c *Controller) importOf(ctx context.Context, dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim) (workload.Import, error) {
	class, _, err := c.class(claim.Spec.StorageClassName)
	if err != nil {
		return workload.Import{}, err
	}
	lost, err := overheadOf(class, claim.Spec.VolumeMode)
	if err != nil {
		return workload.Import{}, failure.Transient(cdiv1.BoundReasonNotValid, "%w", err)
	}
	imp := workload.Import{
		Claim:       claim,
		Size:        diskSize(claim, lost),
		Preallocate: dv.Spec.Preallocation != nil && *dv.Spec.Preallocation,
		Attempt:     dv.Status.RestartCount,
	}
	switch {
	case copied(dv) != nil:
		imp.Source, err = c.source(dv)
		if obstacle, ok := asObstacle(err); ok {
			err = failure.Transient(obstacle.reason, "%w", obstacle)
		}
	case dv.Spec.Source != nil && dv.Spec.Source.Registry != nil:
		imp.Container, err = c.registrySource(ctx, dv.Namespace, dv.Spec.Source.Registry)
	case dv.Spec.Source != nil && dv.Spec.Source.HTTP != nil:
		imp.HTTP, err = c.httpSource(ctx, dv.Namespace, dv.Spec.Source.HTTP)
	}
	return imp, err
}
