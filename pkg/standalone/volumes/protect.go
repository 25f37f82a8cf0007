// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
)

// usersIndex finds the instances that use a claim.
const usersIndex = "virt-apiserver.io/claims"

// release lets a claim go that is to be deleted, once no instance uses it.
func (c *Controller) release(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if !slices.Contains(claim.Finalizers, protection) || len(c.users(claim)) > 0 {
		return nil
	}
	users, err := c.usersNow(ctx, claim)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		// The watch is about to bring the instance here too, and its end enqueues the claim.
		return nil
	}
	patch, err := controller.WithoutFinalizer(claim, protection)
	if err != nil {
		return err
	}
	_, err = c.core.CoreV1().PersistentVolumeClaims(claim.Namespace).Patch(ctx, claim.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}

// reclaim removes the file of a claim that is gone; a device stays as it is. It asks the API itself, as nothing brings a disk back.
func (c *Controller) reclaim(ctx context.Context, key claimKey) error {
	claim, err := c.core.CoreV1().PersistentVolumeClaims(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if err == nil && claim.UID == key.UID {
		return errors.New("the claim is there, but not in the cache")
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("look for the claim: %w", err)
	}
	if err := c.store.remove(key.UID); err != nil {
		return err
	}
	klog.FromContext(ctx).V(2).Info("Removed the volume of a claim that is gone")
	// Another may have waited for its device.
	c.enqueueUnbound(nil)
	return nil
}

// users are the instances that use a claim, as far as the cache knows.
func (c *Controller) users(claim *corev1.PersistentVolumeClaim) []any {
	users, err := c.instances.ByIndex(usersIndex, indexKey(claim.Namespace, claim.Name))
	if err != nil {
		return nil
	}
	return users
}

// usersNow asks the API itself which instances use the claim.
func (c *Controller) usersNow(ctx context.Context, claim *corev1.PersistentVolumeClaim) ([]*kubevirtv1.VirtualMachineInstance, error) {
	instances, err := c.virt.KubevirtV1().VirtualMachineInstances(claim.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("look for users of the claim: %w", err)
	}
	var users []*kubevirtv1.VirtualMachineInstance
	for i := range instances.Items {
		if slices.Contains(claimsInUse(&instances.Items[i]), claim.Name) {
			users = append(users, &instances.Items[i])
		}
	}
	return users, nil
}

// enqueueUsed enqueues the claims that an instance uses, or used until it ended.
func (c *Controller) enqueueUsed(vmi *kubevirtv1.VirtualMachineInstance) {
	for _, name := range vmi.UsedClaimNames() {
		if claim, err := c.claims.PersistentVolumeClaims(vmi.Namespace).Get(name); err == nil {
			c.enqueueClaim(claim)
		}
	}
}

func indexUsers(obj any) ([]string, error) {
	vmi, ok := obj.(*kubevirtv1.VirtualMachineInstance)
	if !ok {
		return nil, nil
	}
	var keys []string
	for _, name := range claimsInUse(vmi) {
		keys = append(keys, indexKey(vmi.Namespace, name))
	}
	return keys, nil
}

func indexKey(namespace, name string) string {
	return types.NamespacedName{Namespace: namespace, Name: name}.String()
}

func claimsInUse(vmi *kubevirtv1.VirtualMachineInstance) []string {
	if vmi.IsFinal() {
		return nil
	}
	return vmi.UsedClaimNames()
}
