// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// Reasons of events, which are upstream's. An attempt that failed has the reason of the condition Running on the
// DataVolume, and ImportFailed or CloneFailed on the claim; so has a DataVolume that is given up.
const (
	eventBound       = "Bound"
	eventSourceInUse = cdiv1.RunningReasonSourceInUse
	eventClaimLost   = "ErrClaimLost"
)

// fail writes that an attempt failed which had come as far as status, and says when the next is due. The
// write, which only the newest version of dv lets through, makes sure that each failure counts once.
func (c *Controller) fail(ctx context.Context, dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim, status *next, cause error) (time.Duration, error) {
	failed := failure.From(cause)
	status.fail(failed)
	written, err := c.write(ctx, dv, status)
	if err != nil || !written {
		return 0, err
	}
	running := status.Condition(cdiv1.DataVolumeRunning)
	c.recorder.Event(dv, corev1.EventTypeWarning, running.Reason, running.Message)
	c.recorder.Event(claim, corev1.EventTypeWarning, status.failed, running.Message)
	if failed.Permanent {
		c.recorder.Eventf(dv, corev1.EventTypeWarning, status.failed, "%s: %s", status.failedText, running.Message)
		return 0, nil
	}
	return retryDelay(status.RestartCount), nil
}

// write stores the status of dv, if it is new, and tells of what is. A conflict is an error: the next look
// has the newer dv.
func (c *Controller) write(ctx context.Context, dv *cdiv1.DataVolume, status *next) (bool, error) {
	if apiequality.Semantic.DeepEqual(dv.Status, status.DataVolumeStatus) {
		return false, nil
	}
	update := *dv
	update.Status = status.DataVolumeStatus
	_, err := c.client.CdiV1beta1().DataVolumes(dv.Namespace).UpdateStatus(ctx, &update, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write status: %w", err)
	}
	c.settle.Done(cache.MetaObjectToName(dv))
	c.announce(dv, status)
	return true, nil
}

// announce records the events that belong to a change of the status; that of a failure is fail's.
func (c *Controller) announce(dv *cdiv1.DataVolume, status *next) {
	bound := status.Condition(cdiv1.DataVolumeBound)
	had := dv.Status.Condition(cdiv1.DataVolumeBound)
	switch {
	case bound == nil || had != nil && had.Status == bound.Status && had.Reason == bound.Reason && had.Message == bound.Message:
	case bound.Status == corev1.ConditionTrue:
		c.recorder.Event(dv, corev1.EventTypeNormal, eventBound, bound.Message)
	case bound.Reason == cdiv1.BoundReasonLost:
		c.recorder.Event(dv, corev1.EventTypeWarning, eventClaimLost, bound.Message)
	case bound.Reason != cdiv1.BoundReasonPending && bound.Reason != "":
		c.recorder.Event(dv, corev1.EventTypeWarning, bound.Reason, bound.Message)
	}
	if running := status.Condition(cdiv1.DataVolumeRunning); running != nil && running.Reason == eventSourceInUse {
		if had := dv.Status.Condition(cdiv1.DataVolumeRunning); had == nil || had.Message != running.Message {
			c.recorder.Event(dv, corev1.EventTypeWarning, eventSourceInUse, running.Message)
		}
	}
	if dv.Status.Phase == status.Phase {
		return
	}
	switch status.Phase {
	case status.scheduled:
		c.recorder.Event(dv, corev1.EventTypeNormal, string(status.scheduled), status.scheduledText)
	case status.inProgress:
		c.recorder.Event(dv, corev1.EventTypeNormal, string(status.inProgress), status.inProgressText)
	case cdiv1.Succeeded:
		c.recorder.Event(dv, corev1.EventTypeNormal, status.succeeded, status.succeededText)
	}
}
