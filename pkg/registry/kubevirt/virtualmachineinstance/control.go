// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/action"
)

// Calls reach the launchers of all nodes.
type Calls interface {
	// Call has the launcher carry out an action of package launcher/api on the instance's guest. An error
	// that carries an API status is answered with it.
	Call(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, action string, in, out any) error
}

// control carries out pause, unpause, softreboot and reset. Preconditions, codes and texts are upstream's.
type control struct {
	instances rest.Getter
	calls     Calls
}

// Pause returns the storage of the pause subresource, for a parent of the given kind.
func (s *Storage) Pause(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusOK, s.control.pause)
}

// Unpause returns the storage of the unpause subresource, for a parent of the given kind.
func (s *Storage) Unpause(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusOK, s.control.unpause)
}

// SoftReboot returns the storage of the softreboot subresource, for a parent of the given kind.
func (s *Storage) SoftReboot(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusOK, s.control.softReboot)
}

// Reset returns the storage of the reset subresource, for a parent of the given kind.
func (s *Storage) Reset(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusOK, s.control.reset)
}

func (c *control) pause(ctx context.Context, name string, options *kubevirtv1.PauseOptions) error {
	vmi, err := get(ctx, c.instances, name)
	switch {
	case err != nil:
		return err
	case vmi.Status.Phase != kubevirtv1.Running:
		return conflict(name, "VM is not running")
	case isPaused(vmi):
		return conflict(name, "VMI is already paused")
	case action.IsDryRun(options.DryRun):
		return nil
	}
	return c.calls.Call(ctx, vmi, api.ActionPause, nil, nil)
}

func (c *control) unpause(ctx context.Context, name string, options *kubevirtv1.UnpauseOptions) error {
	vmi, err := get(ctx, c.instances, name)
	switch {
	case err != nil:
		return err
	case vmi.Status.Phase != kubevirtv1.Running:
		return conflict(name, "VMI is not running")
	case !isPaused(vmi):
		return conflict(name, "VMI is not paused")
	case action.IsDryRun(options.DryRun):
		return nil
	}
	return c.calls.Call(ctx, vmi, api.ActionUnpause, nil, nil)
}

func (c *control) softReboot(ctx context.Context, name string, _ *struct{}) error {
	vmi, err := get(ctx, c.instances, name)
	switch {
	case err != nil:
		return err
	case vmi.Status.Phase != kubevirtv1.Running:
		return conflict(name, "VM is not running")
	case isPaused(vmi):
		return conflict(name, "VMI is paused")
	case !hasAgent(vmi) && !hasACPI(vmi):
		return conflict(name, "VMI neither have the agent connected nor the ACPI feature enabled")
	}
	return c.calls.Call(ctx, vmi, api.ActionSoftReboot, nil, nil)
}

func (c *control) reset(ctx context.Context, name string, _ *struct{}) error {
	vmi, err := get(ctx, c.instances, name)
	switch {
	case err != nil:
		return err
	case vmi.Status.Phase != kubevirtv1.Running:
		return apierrors.NewBadRequest(fmt.Sprintf("Failed to reset non-running VMI with phase %s", vmi.Status.Phase))
	}
	return c.calls.Call(ctx, vmi, api.ActionReset, nil, nil)
}

// get returns the instance, or upstream's words that there is none.
func get(ctx context.Context, instances rest.Getter, name string) (*kubevirtv1.VirtualMachineInstance, error) {
	obj, err := instances.Get(ctx, name, &metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, apierrors.NewNotFound(singular, name)
	}
	if err != nil {
		return nil, err
	}
	return obj.(*kubevirtv1.VirtualMachineInstance), nil
}

func conflict(name, text string) error {
	return apierrors.NewConflict(singular, name, errors.New(text))
}

func isPaused(vmi *kubevirtv1.VirtualMachineInstance) bool {
	return vmi.Status.HasCondition(kubevirtv1.VirtualMachineInstancePaused, corev1.ConditionTrue)
}

func hasAgent(vmi *kubevirtv1.VirtualMachineInstance) bool {
	return vmi.Status.HasCondition(kubevirtv1.VirtualMachineInstanceAgentConnected, corev1.ConditionTrue)
}

// hasACPI says whether the guest can be asked by its virtual power button.
func hasACPI(vmi *kubevirtv1.VirtualMachineInstance) bool {
	return vmi.Spec.Domain.Features.HasACPI()
}
