// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"cmp"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

const (
	// placementRetry is when to ask again for a launcher that is on its way.
	placementRetry = time.Second
	// faultRetry is when to look again for what nobody tells about, such as a Secret.
	faultRetry = 5 * time.Second
)

// eventPlaced is upstream's reason of the event that the launcher of an instance was made.
const eventPlaced = "SuccessfulCreate"

// reconcile does the control plane's part for an instance, wherever it stands.
func (c *Controller) reconcile(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	instance, err := c.instances.VirtualMachineInstances(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.settle.Done(key)
		c.reservations.drop(key)
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("get instance: %w", err)
	}
	switch {
	case instance.IsScheduled():
		c.settle.Done(key)
		c.reservations.drop(key)
		return 0, nil
	case instance.DeletionTimestamp != nil:
		return 0, c.letGo(ctx, instance)
	case instance.IsFinal():
		return 0, c.release(ctx, instance)
	default:
		return c.bring(ctx, key, instance)
	}
}

// bring brings an instance to a node, or tells what it waits for.
func (c *Controller) bring(ctx context.Context, key cache.ObjectName, instance *kubevirtv1.VirtualMachineInstance) (time.Duration, error) {
	o, err := c.observe(ctx, instance)
	if err != nil {
		return 0, err
	}
	w := inspect(o)
	if w == nil {
		w = c.reserve(key, o)
	}
	if w == nil {
		if err := c.confirm(ctx, o); err != nil {
			return 0, err
		}
		w = inspect(o)
	}
	if w != nil {
		c.giveBack(key, instance)
		return c.tell(ctx, o, waiting(o, w, time.Now()), w)
	}
	placement, err := c.launchers.Place(ctx, instance)
	if err != nil {
		failed := fault(kubevirtv1.VirtualMachineInstanceSynchronized, reasonPlacementFailed, "find a node: %v", err)
		return c.tell(ctx, o, waiting(o, failed, time.Now()), failed)
	}
	if placement.NodeName == "" {
		_, err := c.tell(ctx, o, placing(o, placement, time.Now()), unplaced(placement))
		return placementRetry, err
	}
	return 0, c.handOver(ctx, o, placement)
}

// handOver makes the instance its node's.
func (c *Controller) handOver(ctx context.Context, o *observation, placement workload.Placement) error {
	if err := c.write(ctx, o.instance, placed(o, placement, time.Now())); err != nil {
		return err
	}
	c.recorder.Eventf(o.instance, corev1.EventTypeNormal, eventPlaced, "Assigned the virtual machine instance to node %s", placement.NodeName)
	return nil
}

// reserve takes the claims that only one instance may use, or says that another one has one of them.
func (c *Controller) reserve(key cache.ObjectName, o *observation) *wait {
	taken := c.take(key, o.exclusiveClaims())
	if taken == nil {
		return nil
	}
	return fault(kubevirtv1.VirtualMachineInstancePodScheduled, corev1.PodReasonUnschedulable,
		"PersistentVolumeClaim %q allows one user at a time and instance %q uses it: stop that one, or use a claim that is ReadWriteMany",
		taken.claim, taken.instance)
}

// take asks the cache twice. The second time decides: whoever had the reservation before is in it by then.
// The first time keeps instances that wait for one that runs from taking turns in reserving.
func (c *Controller) take(key cache.ObjectName, claims []claimUse) *use {
	if taken := c.inUse(key, claims); taken != nil {
		return taken
	}
	if taken := c.reservations.take(key, claims); taken != nil {
		return taken
	}
	taken := c.inUse(key, claims)
	if taken != nil {
		c.reservations.drop(key)
	}
	return taken
}

// inUse says which of the claims an instance that has a node uses, other than the one named.
func (c *Controller) inUse(key cache.ObjectName, claims []claimUse) *use {
	for _, claim := range claims {
		for _, user := range c.usersOf(cache.ObjectName(claim.NamespacedName)) {
			if user.IsScheduled() && user.Name != key.Name && (claim.writes || user.WritesClaim(claim.Name)) {
				return &use{claim: claim.Name, instance: user.Name}
			}
		}
	}
	return nil
}

// giveBack ends the reservations of an instance that gets no node now, for others that wait for them.
func (c *Controller) giveBack(key cache.ObjectName, instance *kubevirtv1.VirtualMachineInstance) {
	if c.reservations.drop(key) {
		c.enqueueSharers(instance)
	}
}

// tell writes what an instance waits for once it has waited a moment, and says when to look again.
func (c *Controller) tell(ctx context.Context, o *observation, status *kubevirtv1.VirtualMachineInstanceStatus, w *wait) (time.Duration, error) {
	key := cache.MetaObjectToName(o.instance)
	if apiequality.Semantic.DeepEqual(&o.instance.Status, status) {
		c.settle.Done(key)
		return faultRetry, nil
	}
	if again := c.settle.Wait(key, time.Now()); again > 0 {
		return again, nil
	}
	if err := c.write(ctx, o.instance, status); err != nil {
		return 0, err
	}
	c.settle.Done(key)
	if w.fault && isNews(o.instance, w) {
		c.recorder.Event(o.instance, corev1.EventTypeWarning, cmp.Or(w.event, status.Reason), w.condition.Message)
	}
	return faultRetry, nil
}

func isNews(instance *kubevirtv1.VirtualMachineInstance, w *wait) bool {
	had := instance.Status.Condition(w.condition.Type)
	return had == nil || had.Reason != w.condition.Reason || had.Message != w.condition.Message
}

// write stores the instance's status. A conflict is an error: the next look has the newer instance.
func (c *Controller) write(ctx context.Context, instance *kubevirtv1.VirtualMachineInstance, status *kubevirtv1.VirtualMachineInstanceStatus) error {
	update := *instance
	update.Status = *status
	_, err := c.client.KubevirtV1().VirtualMachineInstances(instance.Namespace).UpdateStatus(ctx, &update, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}
