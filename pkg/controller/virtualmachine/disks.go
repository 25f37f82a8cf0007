// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
)

// errForeign is why a machine does not get a disk that has the name of one of its own: whoever wrote the machine
// was not asked for the right to it.
var errForeign = errors.New("exists that is not of this machine: give the template another name, or take it out of dataVolumeTemplates to use what exists")

// createDataVolume makes a DataVolume. One that exists, which the cache may not have learned of, is noted as it is.
func (c *Controller) createDataVolume(ctx context.Context, o *observation, template *kubevirtv1.DataVolumeTemplateSpec) error {
	wanted := newDataVolume(o.machine, template)
	client := c.client.CdiV1beta1().DataVolumes(wanted.Namespace)
	created, err := client.Create(ctx, wanted, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		existing, err := client.Get(ctx, wanted.Name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("get the DataVolume that exists: %w", err)
		}
		o.dataVolumes[existing.Name] = existing
		return nil
	}
	if err != nil {
		return &failure{reasonFailedDataVolumeCreate, fmt.Errorf("creating DataVolume %s: %w", wanted.Name, err)}
	}
	o.dataVolumes[created.Name] = created
	c.recorder.Eventf(o.machine, corev1.EventTypeNormal, eventDataVolumeCreated, "Created DataVolume %s", created.Name)
	c.warnOfSource(o.machine, created)
	return nil
}

// warnOfSource tells that what a disk is to be copied from is not there, for which the disk waits.
func (c *Controller) warnOfSource(machine *kubevirtv1.VirtualMachine, dv *cdiv1.DataVolume) {
	if dv.Spec.Source == nil || dv.Spec.Source.PVC == nil {
		return
	}
	source := dv.Spec.Source.PVC
	if _, err := c.claims.PersistentVolumeClaims(source.Namespace).Get(source.Name); apierrors.IsNotFound(err) {
		c.recorder.Eventf(machine, corev1.EventTypeWarning, eventNoSourceClaim,
			"Source PVC %s/%s not available: Target PVC %s will remain unpopulated until source is created", source.Namespace, source.Name, dv.Name)
	}
}

// checkDisks refuses to use disks that have the names of the machine's own and are not: those of its templates are
// its DataVolumes, and their claims are theirs. It asks the server: a disk that the cache has not learned of is as
// foreign as any.
func (c *Controller) checkDisks(ctx context.Context, o *observation) error {
	for i := range o.expanded.Spec.DataVolumeTemplates {
		if err := c.checkDisk(ctx, o, o.expanded.Spec.DataVolumeTemplates[i].ObjectMeta.Core()); err != nil {
			return err
		}
	}
	return nil
}

func (c *Controller) checkDisk(ctx context.Context, o *observation, template *metav1.ObjectMeta) error {
	name := template.Name
	dataVolume, err := c.client.CdiV1beta1().DataVolumes(o.machine.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return controller.Behind(cdiv1.Resource("datavolumes"), name)
	}
	if err != nil {
		return fmt.Errorf("get DataVolume %s: %w", name, err)
	}
	if !metav1.IsControlledBy(dataVolume, o.machine) {
		return foreign(name, "DataVolume")
	}
	if cdiv1.AdoptsClaim(template) {
		// Whoever wrote the machine has the right to the claim, and its DataVolume takes it.
		return nil
	}
	claim, err := c.core.PersistentVolumeClaims(o.machine.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("get claim %s: %w", name, err)
	}
	if err == nil && !metav1.IsControlledBy(claim, dataVolume) {
		return foreign(name, "PersistentVolumeClaim")
	}
	return nil
}

func foreign(name, kind string) error {
	return &failure{reasonFailedDataVolumeCreate, fmt.Errorf("creating DataVolume %s: a %s of that name %w", name, kind, errForeign)}
}
