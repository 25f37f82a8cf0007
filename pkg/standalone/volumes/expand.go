// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const resizeFailed = "VolumeResizeFailed"

// expand makes the disk of a bound claim as large as the claim asks. A running guest would not see it, so
// that waits until no instance uses the claim. Nothing ever shrinks.
func (c *Controller) expand(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	size, err := requested(claim)
	if err != nil || size <= capacity(claim) {
		return nil
	}
	class, err := c.classOf(claim)
	switch {
	case apierrors.IsNotFound(err):
		c.recorder.Event(claim, corev1.EventTypeWarning, resizeFailed, err.Error())
		return nil
	case err != nil:
		return err
	}
	if class == nil || class.AllowVolumeExpansion == nil || !*class.AllowVolumeExpansion {
		c.recorder.Event(claim, corev1.EventTypeWarning, resizeFailed, "The storage class does not allow expansion")
		return nil
	}
	if len(c.users(claim)) > 0 {
		return c.postpone(ctx, claim)
	}
	if err := c.store.expand(claim, size); err != nil {
		c.recorder.Eventf(claim, corev1.EventTypeWarning, resizeFailed, "%v", err)
		return err
	}
	expanded := claim.DeepCopy()
	expanded.Status.Capacity = capacityOf(size)
	expanded.Status.Conditions = slices.DeleteFunc(expanded.Status.Conditions, isResizePending)
	return c.updateStatus(ctx, expanded)
}

func (c *Controller) postpone(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if slices.ContainsFunc(claim.Status.Conditions, isResizePending) {
		return nil
	}
	pending := claim.DeepCopy()
	pending.Status.Conditions = append(pending.Status.Conditions, corev1.PersistentVolumeClaimCondition{
		Type:               corev1.PersistentVolumeClaimFileSystemResizePending,
		Status:             corev1.ConditionTrue,
		LastTransitionTime: metav1.Now(),
		Message:            "The disk grows when the virtual machine that uses it has stopped",
	})
	return c.updateStatus(ctx, pending)
}

func (c *Controller) updateStatus(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if _, err := c.core.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, claim, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("expand: %w", err)
	}
	return nil
}

func isResizePending(condition corev1.PersistentVolumeClaimCondition) bool {
	return condition.Type == corev1.PersistentVolumeClaimFileSystemResizePending
}

// expand makes the claim's disk, if it is there already, size bytes large.
func (s *Store) expand(claim *corev1.PersistentVolumeClaim, size int64) error {
	dir, err := s.openDir(claim.UID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	disk, err := openDisk(dir, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer disk.Close()
	return grow(disk, size)
}
