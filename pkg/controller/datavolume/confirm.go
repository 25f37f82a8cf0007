// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
)

// confirm asks the server whether dv is as the cache has it. One that was filled a moment ago, or deleted, or made
// again, is neither given a claim nor written to.
func (c *Controller) confirm(ctx context.Context, dv *cdiv1.DataVolume) error {
	live, err := c.client.CdiV1beta1().DataVolumes(dv.Namespace).Get(ctx, dv.Name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("get the DataVolume: %w", err)
	}
	if err != nil || live.UID != dv.UID || live.ResourceVersion != dv.ResourceVersion {
		return controller.Behind(cdiv1.Resource("datavolumes"), dv.Name)
	}
	return nil
}

// confirmClaim asks the server whether dv's claim is the one with that UID, or whether there is none for "".
func (c *Controller) confirmClaim(ctx context.Context, dv *cdiv1.DataVolume, uid types.UID) error {
	live, err := c.core.CoreV1().PersistentVolumeClaims(dv.Namespace).Get(ctx, dv.Name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("get the claim: %w", err)
	}
	if err != nil && uid == "" || err == nil && live.UID == uid && live.DeletionTimestamp == nil {
		return nil
	}
	return controller.Behind(corev1.Resource("persistentvolumeclaims"), dv.Name)
}
