// SPDX-License-Identifier: Apache-2.0

package clone

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// disks is how far the copies of a machine's disks are.
type disks struct {
	total, waiting int
	// detail says what one of those waits for that are not there yet; failed why one never will be.
	detail, failed string
}

func (c *Controller) disksOf(ctx context.Context, vm *kubevirtv1.VirtualMachine) (disks, error) {
	var d disks
	for i := range vm.Spec.DataVolumeTemplates {
		name := vm.Spec.DataVolumeTemplates[i].ObjectMeta.Name
		d.total++
		dv, err := c.volumes.DataVolumes(vm.Namespace).Get(name)
		if err == nil && (!metav1.IsControlledBy(dv, vm) || dv.Status.Phase == cdiv1.Failed) {
			// For good, and the cache may have one that is gone.
			dv, err = c.client.CdiV1beta1().DataVolumes(vm.Namespace).Get(ctx, name, metav1.GetOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return d, fmt.Errorf("get DataVolume %s: %w", name, err)
		}
		switch {
		case err != nil:
			d.waiting++
			continue // the machine's controller makes it
		case !metav1.IsControlledBy(dv, vm):
			d.waiting++
			d.failed = fmt.Sprintf("DataVolume %q exists and is not the clone's: delete virtual machine %q, and clone to another name", name, vm.Name)
			continue
		case dv.Status.Phase == cdiv1.Succeeded:
			continue
		}
		d.waiting++
		message, failed := dv.Failure()
		switch {
		case dv.Status.Phase == cdiv1.Failed:
			d.failed = fmt.Sprintf("DataVolume %q: %s", name, message)
		case failed:
			d.detail = fmt.Sprintf("DataVolume %q: %s; it is tried again", name, message)
		case waitsFor(dv) != "":
			d.detail = fmt.Sprintf("DataVolume %q: %s", name, waitsFor(dv))
		}
	}
	return d, nil
}

// waitsFor is what keeps a copy from being begun.
func waitsFor(dv *cdiv1.DataVolume) string {
	if message, _ := dv.Obstacle(); message != "" {
		return message
	}
	if running := dv.Status.Condition(cdiv1.DataVolumeRunning); running != nil && running.Reason == cdiv1.RunningReasonSourceInUse {
		return running.Message
	}
	return ""
}
