// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// reconcile observes a machine, does what is decided and tells how it is doing.
func (c *Controller) reconcile(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	o, err := c.observe(ctx, key)
	if err != nil {
		return 0, err
	}
	if o == nil {
		c.settle.Done(key)
		return 0, nil
	}
	if err := c.adopt(ctx, o); err != nil {
		return 0, err
	}
	now := time.Now()
	d := decide(o, now)
	actErr := c.act(ctx, o, &d)
	if actErr == nil && (d.action == finish || d.action == orphan) {
		c.settle.Done(key)
		return 0, nil
	}
	failure := told(actErr)
	if failure != nil {
		actErr, d.again = nil, retryTold
	}
	status := newStatus(o, &d, failure, now)
	if actErr != nil {
		keepFailure(&o.machine.Status, &status)
	}
	wait, err := c.writeStatus(ctx, o, status, &d, now)
	return sooner(d.again, wait), errors.Join(actErr, err)
}

// writeStatus writes the machine's status if it changed, or returns how long to wait for it to settle.
func (c *Controller) writeStatus(ctx context.Context, o *observation, status kubevirtv1.VirtualMachineStatus, d *decision, now time.Time) (time.Duration, error) {
	key := cache.MetaObjectToName(o.machine)
	if apiequality.Semantic.DeepEqual(&o.machine.Status, &status) {
		c.settle.Done(key)
		return 0, nil
	}
	if passing(o, d, &status) {
		if wait := c.settle.Wait(key, now); wait > 0 {
			return wait, nil
		}
	}
	update := *o.machine
	update.Status = status
	_, err := c.client.KubevirtV1().VirtualMachines(key.Namespace).UpdateStatus(ctx, &update, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("write status: %w", err)
	}
	c.settle.Done(key)
	if failure := status.Condition(kubevirtv1.VirtualMachineFailure); failure != nil && !sameFailure(&o.machine.Status, &status) {
		c.recorder.Event(o.machine, corev1.EventTypeWarning, failure.Reason, failure.Message)
	}
	return 0, nil
}

// keepFailure keeps what an earlier try told of: one that did not get through has not mended it.
func keepFailure(before, after *kubevirtv1.VirtualMachineStatus) {
	if had := before.Condition(kubevirtv1.VirtualMachineFailure); had != nil {
		after.Conditions = append(after.Conditions, *had)
	}
}

// sooner returns the shorter of two durations, of which 0 is never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}
