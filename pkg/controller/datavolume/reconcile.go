// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

const (
	// progressInterval is how often progress is written at most, and progressStep from what difference on,
	// in percent.
	progressInterval = 2 * time.Second
	progressStep     = 1
	// obstacleRetry is when to look again for what nobody tells about, such as a quota.
	obstacleRetry = 30 * time.Second
)

func (c *Controller) reconcile(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	dv, err := c.volumes.DataVolumes(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && dv.DeletionTimestamp != nil {
		c.settle.Done(key)
		return 0, c.importers.Stop(ctx, types.NamespacedName(key))
	}
	if err != nil {
		return 0, fmt.Errorf("get the DataVolume: %w", err)
	}
	claim, err := c.claims.PersistentVolumeClaims(key.Namespace).Get(key.Name)
	switch {
	case apierrors.IsNotFound(err):
		return c.provide(ctx, dv)
	case err != nil:
		return 0, fmt.Errorf("get the claim: %w", err)
	case claim.DeletionTimestamp == nil && adopts(dv, claim):
		return c.adopt(ctx, dv, claim)
	case !metav1.IsControlledBy(claim, dv):
		if err := c.confirmClaim(ctx, dv, claim.UID); err != nil {
			return 0, err
		}
		return c.obstructed(ctx, dv, claimNotValid("PVC %s exists and does not belong to this DataVolume: delete it, give the DataVolume "+
			"another name, or have it take the claim as it is by the annotation %s=true", claim.Name, cdiv1.AllowClaimAdoptionAnnotation))
	case claim.DeletionTimestamp != nil:
		return c.withoutImport(ctx, dv, nextOf(dv, time.Now()).pending(cdiv1.Pending))
	}
	switch claim.Status.Phase {
	case corev1.ClaimBound:
		return c.transfer(ctx, dv, claim)
	case corev1.ClaimPending, "":
		return c.pending(ctx, dv, claim)
	case corev1.ClaimLost:
		return c.withoutImport(ctx, dv, nextOf(dv, time.Now()).lost())
	default:
		return c.withoutImport(ctx, dv, nextOf(dv, time.Now()).unknown(claim.Status.Phase))
	}
}

// provide makes the claim. A DataVolume whose claim was deleted first loses what its status says of that.
func (c *Controller) provide(ctx context.Context, dv *cdiv1.DataVolume) (time.Duration, error) {
	if err := c.importers.Stop(ctx, nameOf(dv)); err != nil {
		return 0, err
	}
	if _, somebodyElse := dv.Annotations[cdiv1.PrePopulatedAnnotation]; isFinal(dv) || somebodyElse {
		if err := c.confirmClaim(ctx, dv, ""); err != nil {
			return 0, err
		}
		_, err := c.write(ctx, dv, nextOf(dv, time.Now()).pending(cdiv1.Pending))
		return 0, err
	}
	if err := c.confirm(ctx, dv); err != nil {
		return 0, err
	}
	if err := c.createClaim(ctx, dv); err != nil {
		return c.obstructed(ctx, dv, err)
	}
	return c.passing(ctx, dv, nextOf(dv, time.Now()).pending(cdiv1.Pending))
}

// obstructed tells what keeps dv from having its claim, if that is what err says.
func (c *Controller) obstructed(ctx context.Context, dv *cdiv1.DataVolume, err error) (time.Duration, error) {
	obstacle, ok := asObstacle(err)
	if !ok {
		return 0, err
	}
	if _, err := c.withoutImport(ctx, dv, nextOf(dv, time.Now()).obstructed(obstacle)); err != nil {
		return 0, err
	}
	return obstacleRetry, nil
}

// withoutImport ends an import for which the claim is not fit any more, and tells of it.
func (c *Controller) withoutImport(ctx context.Context, dv *cdiv1.DataVolume, status *next) (time.Duration, error) {
	if err := c.importers.Stop(ctx, nameOf(dv)); err != nil {
		return 0, err
	}
	_, err := c.write(ctx, dv, status)
	return 0, err
}

func (c *Controller) pending(ctx context.Context, dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim) (time.Duration, error) {
	class, _, err := c.class(claim.Spec.StorageClassName)
	if err != nil {
		return 0, err
	}
	phase := cdiv1.Pending
	if _, immediate := dv.Annotations[cdiv1.ImmediateBindingAnnotation]; waitsForConsumer(class) && !immediate {
		phase = cdiv1.WaitForFirstConsumer
	}
	return c.passing(ctx, dv, nextOf(dv, time.Now()).pending(phase))
}

// transfer fills a claim that is bound.
func (c *Controller) transfer(ctx context.Context, dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim) (time.Duration, error) {
	if isFinal(dv) {
		c.settle.Done(cache.MetaObjectToName(dv))
		return 0, c.importers.Stop(ctx, nameOf(dv))
	}
	state, begun := c.importers.State(nameOf(dv))
	if !begun || state.Claim != claim.UID || state.Attempt != dv.Status.RestartCount {
		// Nothing was begun since the last failure that the status tells of.
		return c.begin(ctx, dv, claim)
	}
	return c.follow(ctx, dv, claim, state)
}

// begin starts the next attempt when it is due.
func (c *Controller) begin(ctx context.Context, dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim) (time.Duration, error) {
	if wait := untilRetry(dv, time.Now()); wait > 0 {
		return wait, nil
	}
	if err := errors.Join(c.confirm(ctx, dv), c.confirmClaim(ctx, dv, claim.UID)); err != nil {
		return 0, err
	}
	imp, err := c.importOf(ctx, dv, claim)
	if err != nil {
		return c.fail(ctx, dv, claim, nextOf(dv, time.Now()).waiting(""), err)
	}
	// What is left of an earlier attempt would be taken for this one.
	if err := c.importers.Stop(ctx, nameOf(dv)); err != nil {
		return 0, fmt.Errorf("end the earlier import: %w", err)
	}
	if err := c.importers.Start(ctx, imp); err != nil {
		return 0, fmt.Errorf("start the import: %w", err)
	}
	state, ok := c.importers.State(nameOf(dv))
	if !ok {
		state = workload.ImportState{Phase: workload.ImportScheduled, Progress: -1}
	}
	return c.follow(ctx, dv, claim, state)
}

// follow writes what became of the import: what passes once it has lasted, what stays at once.
func (c *Controller) follow(ctx context.Context, dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim, state workload.ImportState) (time.Duration, error) {
	switch state.Phase {
	case workload.ImportSucceeded:
		dv, err := c.label(ctx, dv, claim, state.Labels)
		if err != nil {
			return 0, err
		}
		_, err = c.write(ctx, dv, nextOf(dv, time.Now()).done())
		return 0, err
	case workload.ImportFailed:
		return c.fail(ctx, dv, claim, nextOf(dv, time.Now()).running(-1), state.Failure)
	case workload.ImportRunning:
		return c.progress(ctx, dv, nextOf(dv, time.Now()).running(state.Progress))
	default:
		return c.passing(ctx, dv, nextOf(dv, time.Now()).waiting(state.Waiting))
	}
}

// progress writes a status that may differ in nothing but its progress, which is not worth each write.
func (c *Controller) progress(ctx context.Context, dv *cdiv1.DataVolume, status *next) (time.Duration, error) {
	running := dv.Status.Condition(cdiv1.DataVolumeRunning)
	if dv.Status.Phase != status.Phase || running == nil || running.Status != corev1.ConditionTrue {
		return c.passing(ctx, dv, status)
	}
	if math.Abs(percent(status.Progress)-percent(dv.Status.Progress)) < progressStep {
		return 0, nil
	}
	if wait := progressInterval - time.Since(lastBeat(&dv.Status)); wait > 0 {
		return wait, nil
	}
	status.beat()
	_, err := c.write(ctx, dv, status)
	return 0, err
}

// passing writes a status that is likely to be overtaken soon, once it has not been for a moment.
func (c *Controller) passing(ctx context.Context, dv *cdiv1.DataVolume, status *next) (time.Duration, error) {
	if apiequality.Semantic.DeepEqual(dv.Status, status.DataVolumeStatus) {
		c.settle.Done(cache.MetaObjectToName(dv))
		return 0, nil
	}
	if wait := c.settle.Wait(cache.MetaObjectToName(dv), time.Now()); wait > 0 {
		return wait, nil
	}
	_, err := c.write(ctx, dv, status)
	return 0, err
}

func isFinal(dv *cdiv1.DataVolume) bool {
	return dv.Status.Phase == cdiv1.Succeeded || dv.Status.Phase == cdiv1.Failed
}

func nameOf(dv *cdiv1.DataVolume) types.NamespacedName {
	return types.NamespacedName{Namespace: dv.Namespace, Name: dv.Name}
}
