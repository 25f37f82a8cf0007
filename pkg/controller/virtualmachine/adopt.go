// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
)

// confirm asks the server whether the machine is as the cache has it: nothing is made for one that was stopped,
// deleted or made again meanwhile.
func (c *Controller) confirm(ctx context.Context, machine *kubevirtv1.VirtualMachine) error {
	live, err := c.client.KubevirtV1().VirtualMachines(machine.Namespace).Get(ctx, machine.Name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("get the machine: %w", err)
	}
	if err != nil || live.UID != machine.UID || live.ResourceVersion != machine.ResourceVersion {
		return controller.Behind(kubevirtv1.Resource("virtualmachines"), machine.Name)
	}
	return nil
}

// adopt makes the orphan of the machine's name the machine's, as upstream does: the instance that a machine left
// which was deleted with --cascade=orphan goes on in the machine that is made again. With an instance, the machine
// gets the disks of its templates that the instance uses, where they are nobody's.
func (c *Controller) adopt(ctx context.Context, o *observation) error {
	if o.orphan != nil {
		if err := c.adoptInstance(ctx, o); err != nil {
			return err
		}
	}
	if o.live() && o.machine.DeletionTimestamp == nil {
		return c.adoptDisks(ctx, o)
	}
	return nil
}

// adoptInstance leaves the generation out that the instance was made from: it is another machine's.
func (c *Controller) adoptInstance(ctx context.Context, o *observation) error {
	if err := c.confirm(ctx, o.machine); err != nil {
		return err
	}
	body, err := adoption(o.orphan, o.machine, map[string]any{"annotations": map[string]any{kubevirtv1.VirtualMachineGenerationAnnotation: nil}})
	if err != nil {
		return err
	}
	adopted, err := c.client.KubevirtV1().VirtualMachineInstances(o.orphan.Namespace).
		Patch(ctx, o.orphan.Name, types.MergePatchType, body, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		o.own(nil)
		return nil
	}
	if err != nil {
		return fmt.Errorf("adopt the instance: %w", err)
	}
	o.own(adopted)
	return nil
}

// adoptDisks takes no other disk than those that the instance has: whoever made the instance had the right to them.
func (c *Controller) adoptDisks(ctx context.Context, o *observation) error {
	for i := range o.machine.Spec.DataVolumeTemplates {
		name := o.machine.Spec.DataVolumeTemplates[i].ObjectMeta.Name
		disk := o.dataVolumes[name]
		if disk == nil || disk.DeletionTimestamp != nil || metav1.GetControllerOf(disk) != nil || !uses(o.instance, name) {
			continue
		}
		if err := c.confirm(ctx, o.machine); err != nil {
			return err
		}
		body, err := adoption(disk, o.machine, map[string]any{"labels": map[string]any{kubevirtv1.CreatedByLabel: o.machine.UID}})
		if err != nil {
			return err
		}
		adopted, err := c.client.CdiV1beta1().DataVolumes(disk.Namespace).Patch(ctx, name, types.MergePatchType, body, metav1.PatchOptions{})
		if apierrors.IsNotFound(err) {
			return controller.Behind(cdiv1.Resource("datavolumes"), name)
		}
		if err != nil {
			return fmt.Errorf("adopt DataVolume %s: %w", name, err)
		}
		o.dataVolumes[name] = adopted
	}
	return nil
}

// uses says whether one of the instance's volumes is that DataVolume.
func uses(instance *kubevirtv1.VirtualMachineInstance, dataVolume string) bool {
	for i := range instance.Spec.Volumes {
		if source := instance.Spec.Volumes[i].DataVolume; source != nil && source.Name == dataVolume {
			return true
		}
	}
	return false
}

// adoption is the merge patch that makes exactly this version of obj the machine's, with changes of its metadata.
func adoption(obj metav1.Object, machine *kubevirtv1.VirtualMachine, metadata map[string]any) ([]byte, error) {
	metadata["uid"], metadata["resourceVersion"] = obj.GetUID(), obj.GetResourceVersion()
	metadata["ownerReferences"] = append(obj.GetOwnerReferences(), ownerReference(machine))
	body, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return nil, fmt.Errorf("adopt %s: %w", obj.GetName(), err)
	}
	return body, nil
}
