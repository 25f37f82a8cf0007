// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/liveupdate"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

const (
	eventUpdated       = "SuccessfulUpdate"
	reasonFailedUpdate = "FailedUpdateError"
	// maxNamedFields bounds what the condition names.
	maxNamedFields = 10
)

// plan says what of the template's changes the instance takes now, and which fields need a restart. A new
// generation alone tells nothing: a start or a stop makes one, too.
func plan(machine *kubevirtv1.VirtualMachine, instance *kubevirtv1.VirtualMachineInstance) (next *kubevirtv1.VirtualMachineInstanceSpec, restart []string) {
	if instance.Annotations[kubevirtv1.VirtualMachineGenerationAnnotation] == generationOf(machine) {
		return &instance.Spec, nil
	}
	wanted := wantedSpec(machine, instance)
	return liveupdate.Plan(instance, &wanted)
}

// wantedSpec is what the instance's spec would be, were it made now. How it was started is no difference, and
// neither are limits that were computed from what it was started with.
func wantedSpec(machine *kubevirtv1.VirtualMachine, instance *kubevirtv1.VirtualMachineInstance) kubevirtv1.VirtualMachineInstanceSpec {
	wanted := instanceSpec(machine)
	wanted.StartStrategy = instance.Spec.StartStrategy
	keepIdentity(&wanted, template(machine), &instance.Spec)
	asked, has := &template(machine).Spec.Domain, &instance.Spec.Domain
	if (asked.CPU == nil || ptr.Deref(asked.CPU.MaxSockets, 0) == 0) && has.CPU != nil {
		wanted.Domain.CPU.MaxSockets = has.CPU.MaxSockets
	}
	if (asked.Memory == nil || asked.Memory.MaxGuest == nil) && has.Memory != nil {
		wanted.Domain.Memory.MaxGuest = has.Memory.MaxGuest
	}
	return wanted
}

// keepIdentity has wanted keep of has what the template leaves to be computed. An instance that was adopted has it
// from the machine that it was made for.
func keepIdentity(wanted *kubevirtv1.VirtualMachineInstanceSpec, asked *kubevirtv1.VirtualMachineInstanceTemplateSpec, has *kubevirtv1.VirtualMachineInstanceSpec) {
	firmware := asked.Spec.Domain.Firmware
	if (firmware == nil || ptr.Deref(firmware.UUID, "") == "") && has.Domain.Firmware != nil {
		wanted.Domain.Firmware.UUID = has.Domain.Firmware.UUID
	}
	for i := range wanted.Domain.Devices.Interfaces {
		iface := &wanted.Domain.Devices.Interfaces[i]
		sameName := func(other kubevirtv1.Interface) bool { return other.Name == iface.Name }
		given := slices.IndexFunc(asked.Spec.Domain.Devices.Interfaces, sameName)
		had := slices.IndexFunc(has.Domain.Devices.Interfaces, sameName)
		if (given < 0 || ptr.Deref(asked.Spec.Domain.Devices.Interfaces[given].MacAddress, "") == "") && had >= 0 {
			iface.MacAddress = has.Domain.Devices.Interfaces[had].MacAddress
		}
	}
}

// decideUpdate has a running guest take what it can, and notes what it can't. While it is being ended, that is
// no news.
func (d *decision) decideUpdate(o *observation) {
	if !o.live() || d.action == stop || o.unexpanded != nil {
		return
	}
	next, restart := plan(o.expanded, o.instance)
	d.restart = restart
	if o.instance.IsRunning() && d.action == nothing && !verbatim.Equal(next, &o.instance.Spec) {
		d.action, d.next = update, next
	}
}

// update changes the instance's spec; its node gives the change to the guest.
func (c *Controller) update(ctx context.Context, o *observation, next *kubevirtv1.VirtualMachineInstanceSpec) error {
	changed := *o.instance
	changed.Spec = *next
	updated, err := c.client.KubevirtV1().VirtualMachineInstances(changed.Namespace).Update(ctx, &changed, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return err // the cache will learn of it
	}
	if err != nil {
		return &failure{reasonFailedUpdate, fmt.Errorf("updating virtual machine instance %s: %w", changed.Name, err)}
	}
	o.own(updated)
	c.recorder.Eventf(o.machine, corev1.EventTypeNormal, eventUpdated, "Updated the running virtual machine instance %s", changed.Name)
	return nil
}

// restartCondition names the fields of the template that wait for a restart.
func restartCondition(fields []string) kubevirtv1.VirtualMachineCondition {
	names := strings.Join(fields[:min(len(fields), maxNamedFields)], ", ")
	if more := len(fields) - maxNamedFields; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return kubevirtv1.VirtualMachineCondition{
		Type:    kubevirtv1.VirtualMachineRestartRequired,
		Status:  corev1.ConditionTrue,
		Reason:  "TemplateChanged",
		Message: "a non-live-updatable field was changed in the template spec: " + names,
	}
}
