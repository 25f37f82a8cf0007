// SPDX-License-Identifier: Apache-2.0

package clone

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/target"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func (c *Controller) reconcile(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	clone, err := c.clones.VirtualMachineClones(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && clone.DeletionTimestamp != nil {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("get the clone: %w", err)
	}
	switch clone.Status.Phase {
	case clonev1.PhaseUnset:
		return 0, c.begin(ctx, clone)
	case clonev1.CreatingTargetVM:
		return 0, c.create(ctx, clone)
	case clonev1.RestoreInProgress:
		return 0, c.follow(ctx, clone)
	case clonev1.Succeeded:
		return 0, c.tidy(ctx, clone)
	}
	return 0, nil
}

// begin waits until the source does not run. It asks the API itself whether it does: a cache would not know of
// an instance that was made a moment ago.
func (c *Controller) begin(ctx context.Context, clone *clonev1.VirtualMachineClone) error {
	name := clone.Spec.Source.Name
	source, err := c.machines.VirtualMachines(clone.Namespace).Get(name)
	if apierrors.IsNotFound(err) || err == nil && source.DeletionTimestamp != nil {
		return c.write(ctx, clone, nextOf(clone).waiting(reasonNoSource, fmt.Sprintf("there is no virtual machine %q", name)))
	}
	if err != nil {
		return fmt.Errorf("get the source: %w", err)
	}
	vmi, err := c.client.KubevirtV1().VirtualMachineInstances(clone.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("get the source's instance: %w", err)
	}
	if err == nil && !vmi.IsFinal() {
		return c.write(ctx, clone, nextOf(clone).waiting(reasonSourceRuns,
			fmt.Sprintf("virtual machine %q runs: it is cloned once it has stopped; \"kubectl virt stop %s\" stops it", name, name)))
	}
	return c.write(ctx, clone, nextOf(clone).creating(clone.TargetName()))
}

// create makes the machine, which may have been done before. What it is made from is the server's word: a cache may
// have the source as it was before the clone was accepted.
func (c *Controller) create(ctx context.Context, clone *clonev1.VirtualMachineClone) error {
	source, err := c.client.KubevirtV1().VirtualMachines(clone.Namespace).Get(ctx, clone.Spec.Source.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return c.write(ctx, clone, nextOf(clone).failed(reasonNoSource, fmt.Sprintf("virtual machine %q is gone", clone.Spec.Source.Name)))
	}
	if err != nil {
		return fmt.Errorf("get the source: %w", err)
	}
	changed, err := hasChanged(clone, source)
	if err != nil {
		return err
	}
	if changed {
		return c.write(ctx, clone, nextOf(clone).failed(reasonSourceChanged, fmt.Sprintf(
			"virtual machine %q was changed since the clone was accepted: create another VirtualMachineClone", source.Name)))
	}
	var unread error
	vm, cause := target.Build(ctx, clone, source, func(name string) *corev1.PersistentVolumeClaim {
		claim, err := c.core.PersistentVolumeClaims(clone.Namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil:
			return claim
		case !apierrors.IsNotFound(err):
			unread = fmt.Errorf("get claim %s: %w", name, err)
		}
		return nil
	})
	if unread != nil {
		return unread
	}
	if cause != nil {
		return c.write(ctx, clone, nextOf(clone).failed(reasonNotPossible, cause.Error()))
	}
	machines := c.client.KubevirtV1().VirtualMachines(clone.Namespace)
	made, err := machines.Create(ctx, vm, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		made, err = machines.Get(ctx, vm.Name, metav1.GetOptions{})
		if err == nil && made.Annotations[target.CloneAnnotation] != string(clone.UID) {
			return c.write(ctx, clone, nextOf(clone).failed(reasonTargetExists, fmt.Sprintf("there is a virtual machine %q already", vm.Name)))
		}
	}
	switch {
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err), apierrors.IsBadRequest(err):
		return c.write(ctx, clone, nextOf(clone).failed(reasonNotPossible, err.Error()))
	case err != nil:
		return fmt.Errorf("create the target: %w", err)
	}
	return c.progress(ctx, clone, made)
}

// hasChanged says whether the source is another than the one that the clone's maker may clone.
func hasChanged(clone *clonev1.VirtualMachineClone, source *kubevirtv1.VirtualMachine) (bool, error) {
	fingerprint, err := target.Fingerprint(source)
	return fingerprint != clone.Annotations[target.SourceAnnotation], err
}

// follow waits for the copies of the disks.
func (c *Controller) follow(ctx context.Context, clone *clonev1.VirtualMachineClone) error {
	vm, err := c.machines.VirtualMachines(clone.Namespace).Get(clone.TargetName())
	if apierrors.IsNotFound(err) {
		// The cache may not know of it yet.
		vm, err = c.client.KubevirtV1().VirtualMachines(clone.Namespace).Get(ctx, clone.TargetName(), metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) || err == nil && vm.DeletionTimestamp != nil {
		return c.write(ctx, clone, nextOf(clone).failed(reasonTargetGone, fmt.Sprintf("virtual machine %q was deleted before its disks were copied", clone.TargetName())))
	}
	if err != nil {
		return fmt.Errorf("get the target: %w", err)
	}
	return c.progress(ctx, clone, vm)
}

// progress tells how far the copies of the target's disks are.
func (c *Controller) progress(ctx context.Context, clone *clonev1.VirtualMachineClone, vm *kubevirtv1.VirtualMachine) error {
	disks, err := c.disksOf(ctx, vm)
	if err != nil {
		return err
	}
	runs := false
	if disks.total > 1 && disks.waiting > 0 {
		if runs, err = c.runs(ctx, clone); err != nil {
			return err
		}
	}
	return c.write(ctx, clone, outcome(clone, vm, disks, runs))
}

// outcome is the status of a clone whose copies are as far as disks says, while the source runs or does not.
func outcome(clone *clonev1.VirtualMachineClone, vm *kubevirtv1.VirtualMachine, disks disks, runs bool) *next {
	status := nextOf(clone)
	switch {
	case disks.failed != "":
		return status.failed(reasonCopyFailed, disks.failed)
	case disks.waiting == 0:
		return status.succeeded(vm.Name)
	case runs:
		return status.failed(reasonSourceStarted, fmt.Sprintf(
			"virtual machine %q was started before all of its disks were copied: delete virtual machine %q, and clone again while the source is stopped",
			clone.Spec.Source.Name, vm.Name))
	}
	return status.copying(vm.Name, disks)
}

// runs says whether the source has an instance that may write to its disks. The cache tells when to ask: it may
// still have the instance that was ended for the clone.
func (c *Controller) runs(ctx context.Context, clone *clonev1.VirtualMachineClone) (bool, error) {
	name := clone.Spec.Source.Name
	if vmi, err := c.instances.VirtualMachineInstances(clone.Namespace).Get(name); err != nil || vmi.IsFinal() {
		return false, nil
	}
	live, err := c.client.KubevirtV1().VirtualMachineInstances(clone.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("get the source's instance: %w", err)
	}
	return !live.IsFinal(), nil
}

// tidy deletes the clone with the machine that it made, as upstream does.
func (c *Controller) tidy(ctx context.Context, clone *clonev1.VirtualMachineClone) error {
	if _, err := c.machines.VirtualMachines(clone.Namespace).Get(clone.TargetName()); !apierrors.IsNotFound(err) {
		return err
	}
	_, err := c.client.KubevirtV1().VirtualMachines(clone.Namespace).Get(ctx, clone.TargetName(), metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	err = c.client.CloneV1beta1().VirtualMachineClones(clone.Namespace).Delete(ctx, clone.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &clone.UID},
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete the clone of a machine that is gone: %w", err)
	}
	return nil
}
