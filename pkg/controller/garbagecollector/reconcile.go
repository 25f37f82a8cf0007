// SPDX-License-Identifier: Apache-2.0

package garbagecollector

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
)

func (c *Controller) reconcile(ctx context.Context, k key) (time.Duration, error) {
	known := c.monitors.get(k)
	if known == nil {
		return 0, nil
	}
	switch {
	case waits(known, metav1.FinalizerOrphanDependents):
		return 0, c.orphan(ctx, k, known)
	case waits(known, metav1.FinalizerDeleteDependents):
		return 0, c.deleteDependents(ctx, k, known)
	case known.DeletionTimestamp != nil || len(known.OwnerReferences) == 0:
		return 0, nil
	}
	o, err := c.read(ctx, k)
	if err != nil || o == nil || o.UID != known.UID || o.DeletionTimestamp != nil {
		return 0, err
	}
	return 0, c.collect(ctx, k, o)
}

// collect deletes o if nobody owns it any more, and else ends its being owned by those who do not.
func (c *Controller) collect(ctx context.Context, k key, o *object) error {
	found, err := c.ownershipOf(ctx, o)
	if err != nil {
		return err
	}
	switch {
	case len(found.gone)+len(found.waiting) == 0:
		return nil
	case len(found.solid) > 0:
		return c.patchOwners(ctx, k, o, found.solid)
	case len(found.waiting) > 0:
		return c.deleteForOwners(ctx, k, o)
	}
	return c.delete(ctx, k, o, policyOf(o))
}

// deleteForOwners deletes o, whose owners wait for it. What it owns itself goes before it.
func (c *Controller) deleteForOwners(ctx context.Context, k key, o *object) error {
	dependents := c.monitors.dependents(o.UID)
	if len(dependents) == 0 {
		return c.delete(ctx, k, o, policyOf(o))
	}
	inCircle := func(d dependent) bool { return waits(d.object, metav1.FinalizerDeleteDependents) }
	if slices.ContainsFunc(dependents, inCircle) && slices.ContainsFunc(o.OwnerReferences, isBlocking) {
		// They would wait for each other for ever.
		return c.patchOwners(ctx, k, o, unblocked(o.OwnerReferences))
	}
	return c.delete(ctx, k, o, metav1.DeletePropagationForeground)
}

// orphan gives up what o owns.
func (c *Controller) orphan(ctx context.Context, k key, o *object) error {
	for _, dependent := range c.monitors.dependents(o.UID) {
		patch, err := controller.WithoutOwner(dependent.object, o.UID)
		if err != nil {
			return err
		}
		if err := c.patch(ctx, dependent.key, patch); err != nil {
			return err
		}
	}
	return c.removeFinalizer(ctx, k, o, metav1.FinalizerOrphanDependents)
}

// deleteDependents lets o go once nothing that it owns keeps it, and until then has that looked at.
func (c *Controller) deleteDependents(ctx context.Context, k key, o *object) error {
	blocked := false
	for _, dependent := range c.monitors.dependents(o.UID) {
		blocked = blocked || blocks(dependent.object, o.UID)
		if dependent.DeletionTimestamp == nil {
			c.queue.Add(dependent.key)
		}
	}
	if blocked {
		return nil
	}
	return c.removeFinalizer(ctx, k, o, metav1.FinalizerDeleteDependents)
}

func (c *Controller) removeFinalizer(ctx context.Context, k key, o *object, finalizer string) error {
	patch, err := controller.WithoutFinalizer(o, finalizer)
	if err != nil {
		return err
	}
	return c.patch(ctx, k, patch)
}

// patchOwners leaves o the given owners.
func (c *Controller) patchOwners(ctx context.Context, k key, o *object, owners []metav1.OwnerReference) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": o.UID, "resourceVersion": o.ResourceVersion, "ownerReferences": owners,
	}})
	if err != nil {
		return fmt.Errorf("patch %s: %w", k, err)
	}
	return c.patch(ctx, k, patch)
}

// patch succeeds if the object is gone.
func (c *Controller) patch(ctx context.Context, k key, patch []byte) error {
	_, err := c.config.Metadata.Resource(k.resource).Namespace(k.namespace).
		Patch(ctx, k.name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("patch %s: %w", k, err)
	}
	return nil
}

// delete deletes exactly the version of o that was looked at.
func (c *Controller) delete(ctx context.Context, k key, o *object, policy metav1.DeletionPropagation) error {
	klog.FromContext(ctx).V(2).Info("Deleting what nobody owns any more", "uid", o.UID, "propagation", policy)
	err := c.config.Metadata.Resource(k.resource).Namespace(k.namespace).Delete(ctx, k.name, metav1.DeleteOptions{
		Preconditions:     &metav1.Preconditions{UID: &o.UID, ResourceVersion: &o.ResourceVersion},
		PropagationPolicy: &policy,
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s: %w", k, err)
	}
	return nil
}

// policyOf is how o was to be deleted when somebody set its finalizers, or else in the background.
func policyOf(o *object) metav1.DeletionPropagation {
	switch {
	case slices.Contains(o.Finalizers, metav1.FinalizerOrphanDependents):
		return metav1.DeletePropagationOrphan
	case slices.Contains(o.Finalizers, metav1.FinalizerDeleteDependents):
		return metav1.DeletePropagationForeground
	}
	return metav1.DeletePropagationBackground
}

func isBlocking(r metav1.OwnerReference) bool {
	return r.BlockOwnerDeletion != nil && *r.BlockOwnerDeletion
}

func unblocked(references []metav1.OwnerReference) []metav1.OwnerReference {
	cloned := slices.Clone(references)
	for i := range cloned {
		cloned[i].BlockOwnerDeletion = nil
	}
	return cloned
}
