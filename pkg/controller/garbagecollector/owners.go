// SPDX-License-Identifier: Apache-2.0

package garbagecollector

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ownership is an object's owner references by what has become of the owners.
type ownership struct {
	// solid owners keep the object. Owners that there cannot be count as such.
	solid []metav1.OwnerReference
	// gone owners are no more.
	gone []metav1.OwnerReference
	// waiting owners wait for the object to go.
	waiting []metav1.OwnerReference
}

func (c *Controller) ownershipOf(ctx context.Context, o *object) (*ownership, error) {
	found := &ownership{}
	for _, reference := range o.OwnerReferences {
		owner, known, err := c.owner(ctx, o, reference)
		switch {
		case err != nil:
			return nil, err
		case !known:
			found.solid = append(found.solid, reference)
		case owner == nil:
			found.gone = append(found.gone, reference)
		case waits(owner, metav1.FinalizerDeleteDependents):
			found.waiting = append(found.waiting, reference)
		default:
			found.solid = append(found.solid, reference)
		}
	}
	return found, nil
}

// owner returns the owner that reference of o names, or nil if it is gone. known is false where it cannot be
// said.
func (c *Controller) owner(ctx context.Context, o *object, reference metav1.OwnerReference) (owner *object, known bool, err error) {
	k, ok := c.ownerKey(o, reference)
	if !ok {
		return nil, false, nil
	}
	if owner := c.monitors.get(k); owner != nil && owner.UID == reference.UID {
		return owner, true, nil
	}
	owner, err = c.read(ctx, k)
	if err != nil {
		return nil, false, fmt.Errorf("look for the owner %s: %w", k, err)
	}
	if owner == nil || owner.UID != reference.UID {
		return nil, true, nil
	}
	return owner, true, nil
}

// ownerKey names the owner; ok is false if there cannot be one.
func (c *Controller) ownerKey(o *object, reference metav1.OwnerReference) (k key, ok bool) {
	gv, err := schema.ParseGroupVersion(reference.APIVersion)
	if err != nil {
		return key{}, false
	}
	resource, ok := c.kinds[gv.WithKind(reference.Kind).GroupKind()]
	if !ok || resource.namespaced && o.Namespace == "" {
		return key{}, false
	}
	k = key{resource: resource.GroupVersionResource, name: reference.Name}
	if resource.namespaced {
		k.namespace = o.Namespace
	}
	return k, true
}

// read asks the API for an object; it is nil if there is none.
func (c *Controller) read(ctx context.Context, k key) (*object, error) {
	o, err := c.config.Metadata.Resource(k.resource).Namespace(k.namespace).Get(ctx, k.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return o, err
}
