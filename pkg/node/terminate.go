// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// terminate ends the guest of an instance that is being deleted: asked first, made to when its grace
// period is over. When nothing is left of it, the instance may go; one that ran has its final phase before.
func (a *Agent) terminate(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain *api.DomainStatus, known bool) error {
	if !known {
		return nil
	}
	if domain == nil {
		var err error
		if domain, err = a.find(ctx, vmi); err != nil {
			return err
		}
	}
	if domain != nil && isAlive(domain.State) {
		return a.shutDown(ctx, vmi, domain)
	}
	// Also where no domain is listed: a start that was cut short may have left files.
	leftover := &api.DomainStatus{Namespace: vmi.Namespace, Name: vmi.Name, UID: vmi.UID}
	if err := a.cleanUp(ctx, leftover); err != nil {
		return err
	}
	if err := a.disconnect(ctx, keyFor(vmi), nil); err != nil {
		return err
	}
	a.sweepSoon()
	if vmi.WasRunning() {
		// Clients wait for the phase. It hands the instance back, and the instance controller lets it go.
		if err := a.finish(ctx, vmi, endOf(domain)); err != nil {
			return err
		}
		a.tellDeleted(vmi)
		return nil
	}
	return a.release(ctx, vmi)
}

// endOf is how a guest ended that was to end. Where no domain tells, it did what was asked for.
func endOf(domain *api.DomainStatus) ending {
	switch {
	case domain == nil:
		return ending{phase: kubevirtv1.Succeeded}
	case domain.State == api.StateFailed:
		return ending{phase: kubevirtv1.Failed, reason: domain.Reason, message: domain.Message}
	default:
		return ending{phase: kubevirtv1.Succeeded, reason: domain.Reason, message: domain.Message}
	}
}

func isAlive(state api.State) bool {
	return state == api.StateRunning || state == api.StatePaused || state == api.StateStopping
}

// shutDown asks the guest to power off; asked again, the launcher keeps the earlier deadline. It is asked
// again where the period was shortened, or where the launcher does not remember.
func (a *Agent) shutDown(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain *api.DomainStatus) error {
	effort := a.efforts.of(keyFor(vmi), vmi.UID)
	grace := max(ptr.Deref(vmi.Spec.TerminationGracePeriodSeconds, kubevirtv1.DefaultTerminationGracePeriodSeconds), 0)
	if effort.asked != nil && *effort.asked <= grace && domain.State == api.StateStopping {
		return nil
	}
	err := a.Launcher.Shutdown(ctx, vmi.Namespace, vmi.Name, api.ShutdownRequest{GracePeriodSeconds: grace})
	if err != nil {
		return fmt.Errorf("ask the guest to power off: %w", err)
	}
	if effort.asked == nil {
		a.Recorder.Event(vmi, corev1.EventTypeNormal, eventShuttingDown, fmt.Sprintf("The guest was asked to power off within %d s.", grace))
	}
	effort.asked = &grace
	a.efforts.keep(keyFor(vmi), effort)
	return nil
}

// release removes the finalizer that kept the instance until its domain was gone.
func (a *Agent) release(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) error {
	if !slices.Contains(vmi.Finalizers, kubevirtv1.VirtualMachineInstanceFinalizer) {
		return nil
	}
	update := *vmi
	update.Finalizers = slices.DeleteFunc(slices.Clone(vmi.Finalizers), func(finalizer string) bool {
		return finalizer == kubevirtv1.VirtualMachineInstanceFinalizer
	})
	_, err := a.Clientset.KubevirtV1().VirtualMachineInstances(vmi.Namespace).Update(ctx, &update, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove the finalizer: %w", err)
	}
	a.tellDeleted(vmi)
	return nil
}

func (a *Agent) tellDeleted(vmi *kubevirtv1.VirtualMachineInstance) {
	a.efforts.forget(keyFor(vmi))
	a.Recorder.Event(vmi, corev1.EventTypeNormal, eventDeleted, "The guest has ended and its domain is deleted.")
}
