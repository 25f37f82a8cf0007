// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
)

// letGo ends an instance that is being deleted and that no node has. The server is asked: the cache may not
// have learned that the instance got a node a moment ago, whose launcher must then not be taken away.
func (c *Controller) letGo(ctx context.Context, instance *kubevirtv1.VirtualMachineInstance) error {
	if !slices.Contains(instance.Finalizers, kubevirtv1.VirtualMachineInstanceFinalizer) {
		return nil
	}
	client := c.client.KubevirtV1().VirtualMachineInstances(instance.Namespace)
	live, err := client.Get(ctx, instance.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("get instance: %w", err)
	}
	if live.UID != instance.UID || live.ResourceVersion != instance.ResourceVersion {
		return controller.Behind(kubevirtv1.Resource("virtualmachineinstances"), instance.Name)
	}
	if err := c.release(ctx, instance); err != nil {
		return err
	}
	body, err := controller.WithoutFinalizer(instance, kubevirtv1.VirtualMachineInstanceFinalizer)
	if err != nil {
		return err
	}
	if _, err := client.Patch(ctx, instance.Name, types.MergePatchType, body, metav1.PatchOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove the finalizer: %w", err)
	}
	return nil
}

// release gives up the launcher and the claims of an instance that has ended, or never began.
func (c *Controller) release(ctx context.Context, instance *kubevirtv1.VirtualMachineInstance) error {
	key := cache.MetaObjectToName(instance)
	if err := c.launchers.Release(ctx, instance); err != nil {
		return fmt.Errorf("release the launcher: %w", err)
	}
	c.settle.Done(key)
	c.giveBack(key, instance)
	return nil
}
