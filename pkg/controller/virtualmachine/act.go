// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
)

// Reasons of events, as upstream names them.
const (
	eventCreated           = "SuccessfulCreate"
	eventDeleted           = "SuccessfulDelete"
	eventDataVolumeCreated = "SuccessfulDataVolumeCreate"
	eventNoSourceClaim     = "SourcePVCNotAvailabe" // clients look for it as it is written
)

// act does what was decided and notes in o what it made.
func (c *Controller) act(ctx context.Context, o *observation, d *decision) error {
	if d.action == start || len(d.dataVolumes) > 0 {
		if err := c.confirm(ctx, o.machine); err != nil {
			return err
		}
	}
	for i := range d.dataVolumes {
		if err := c.createDataVolume(ctx, o, &d.dataVolumes[i]); err != nil {
			return err
		}
	}
	if d.action == start || d.action == update {
		if err := c.checkDisks(ctx, o); err != nil {
			return err
		}
	}
	switch d.action {
	case start:
		return c.start(ctx, o, d.paused)
	case stop:
		return c.stop(ctx, o)
	case update:
		return c.update(ctx, o, d.next)
	case orphan:
		if err := c.disown(ctx, o); err != nil {
			return err
		}
		return c.removeFinalizer(ctx, o.machine)
	case finish:
		return c.finish(ctx, o)
	default:
		return nil
	}
}

// start makes the instance. That it exists already is no failure if it is the machine's own: the cache has
// not learned of it yet.
func (c *Controller) start(ctx context.Context, o *observation, paused bool) error {
	if o.unexpanded != nil {
		return o.unexpanded
	}
	if !o.occupied {
		if err := c.create(ctx, o, paused); err != nil {
			return err
		}
	}
	if o.orphan != nil {
		return controller.Behind(kubevirtv1.Resource("virtualmachineinstances"), o.orphan.Name)
	}
	if o.occupied {
		return &failure{reasonFailedCreate, fmt.Errorf("creating virtual machine instance %s: %w", o.machine.Name, errOccupied)}
	}
	return nil
}

func (c *Controller) create(ctx context.Context, o *observation, paused bool) error {
	client := c.client.KubevirtV1().VirtualMachineInstances(o.machine.Namespace)
	created, err := client.Create(ctx, newInstance(o.expanded, paused), metav1.CreateOptions{})
	if err == nil {
		o.own(created)
		c.recorder.Eventf(o.machine, corev1.EventTypeNormal, eventCreated,
			"Started the virtual machine by creating the new virtual machine instance %s", created.Name)
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return &failure{reasonFailedCreate, fmt.Errorf("creating virtual machine instance %s: %w", o.machine.Name, err)}
	}
	existing, err := client.Get(ctx, o.machine.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get the instance that exists: %w", err)
	}
	o.own(existing)
	return nil
}

// stop deletes the instance, and no other that took its place meanwhile.
func (c *Controller) stop(ctx context.Context, o *observation) error {
	err := c.client.KubevirtV1().VirtualMachineInstances(o.instance.Namespace).Delete(ctx, o.instance.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &o.instance.UID},
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return &failure{reasonFailedDelete, fmt.Errorf("deleting virtual machine instance %s: %w", o.instance.Name, err)}
	}
	c.recorder.Eventf(o.machine, corev1.EventTypeNormal, eventDeleted,
		"Stopped the virtual machine by deleting the virtual machine instance %s", o.instance.Name)
	return nil
}

// disown makes the instance nobody's.
func (c *Controller) disown(ctx context.Context, o *observation) error {
	body, err := controller.WithoutOwner(o.instance, o.machine.UID)
	if err != nil {
		return err
	}
	_, err = c.client.KubevirtV1().VirtualMachineInstances(o.instance.Namespace).
		Patch(ctx, o.instance.Name, types.MergePatchType, body, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("orphan the instance: %w", err)
	}
	return nil
}

// finish lets the machine go once the server, too, knows of no instance: the cache may not have learned of
// one that was made a moment ago.
func (c *Controller) finish(ctx context.Context, o *observation) error {
	instance, err := c.client.KubevirtV1().VirtualMachineInstances(o.machine.Namespace).Get(ctx, o.machine.Name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("look for the instance: %w", err)
	}
	if err == nil && metav1.IsControlledBy(instance, o.machine) {
		return controller.Behind(kubevirtv1.Resource("virtualmachineinstances"), instance.Name)
	}
	return c.removeFinalizer(ctx, o.machine)
}

func (c *Controller) removeFinalizer(ctx context.Context, machine *kubevirtv1.VirtualMachine) error {
	body, err := controller.WithoutFinalizer(machine, kubevirtv1.VirtualMachineControllerFinalizer)
	if err != nil {
		return err
	}
	_, err = c.client.KubevirtV1().VirtualMachines(machine.Namespace).
		Patch(ctx, machine.Name, types.MergePatchType, body, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove the finalizer: %w", err)
	}
	return nil
}
