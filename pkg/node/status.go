// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// Reasons of phases and conditions, beside those of the launcher.
const (
	reasonDomainGone          = "DomainGone"
	reasonGuestNotRunning     = "GuestNotRunning"
	reasonGuestPaused         = "GuestPaused"
	reasonMemoryChanging      = "WaitingForGuest"
	reasonNoKVM               = "KVMNotUsable"
	reasonLauncherUnavailable = "LauncherUnavailable"
	reasonVolumeNotReady      = "VolumeNotReady"
	reasonCloudInitNotReady   = "CloudInitNotReady"
	reasonNetworkNotReady     = "NetworkNotReady"
	reasonFailFast            = "FailFast"
)

// Reasons of events, as upstream names them.
const (
	eventCreated      = "Created"
	eventStarted      = "Started"
	eventShuttingDown = "ShuttingDown"
	eventStopped      = "Stopped"
	eventDeleted      = "Deleted"
	eventSyncFailed   = "SyncFailed"
	// eventUserModeNetwork is ours: upstream's guests never go without a network of the node.
	eventUserModeNetwork = "UserModeNetwork"
)

// maxMessage is the most that a condition's message may hold.
const maxMessage = 2048

// observed is what follow is told beside the domain.
type observed struct {
	// waiting says why volumes have not come to a running guest, or not left it, by name.
	waiting map[string]*trouble
	// claims are those behind the volumes, where the caller has them.
	claims map[string]*corev1.PersistentVolumeClaim
	// trouble is why the domain is not what the spec says; nil where it is.
	trouble error
}

// follow writes into vmi's status what its domain is doing, at most once, and nothing where that is known.
func (a *Agent) follow(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain api.DomainStatus, observed observed) error {
	switch domain.State {
	case api.StateSucceeded:
		return a.finish(ctx, vmi, ending{phase: kubevirtv1.Succeeded, reason: domain.Reason, message: domain.Message})
	case api.StateFailed:
		return a.finish(ctx, vmi, ending{phase: kubevirtv1.Failed, reason: domain.Reason, message: domain.Message})
	case api.StateRunning, api.StatePaused, api.StateStopping:
	default:
		return nil
	}
	domain.Interfaces = a.addressed(vmi, domain)
	a.attend(ctx, vmi, &domain)
	if err := a.endUnhealthy(ctx, vmi, &domain); err != nil {
		return err
	}
	starts := vmi.Status.Phase != kubevirtv1.Running
	if starts && len(observed.claims) == 0 {
		var err error
		if observed.claims, err = a.claims(ctx, vmi); err != nil {
			return err
		}
	}
	status := vmi.Status.DeepCopy()
	a.setRunning(status, vmi, domain)
	setVolumes(status, vmi, domain, observed.claims, observed.waiting)
	if observed.trouble != nil {
		a.setCondition(status, kubevirtv1.VirtualMachineInstanceSynchronized, corev1.ConditionFalse, reasonFor(observed.trouble), messageOf(observed.trouble))
	}
	kind, reason, message := a.setAccess(status, vmi)
	written, err := a.write(ctx, vmi, status)
	if err != nil {
		return err
	}
	if reason != "" {
		a.Recorder.Event(vmi, kind, reason, message)
	}
	if observed.trouble != nil && written {
		a.Recorder.Event(vmi, corev1.EventTypeWarning, eventSyncFailed, messageOf(observed.trouble))
	}
	if written && !starts {
		a.tellVolumes(vmi, vmi.Status.VolumeStatus, status.VolumeStatus)
	}
	if starts {
		a.Recorder.Event(vmi, corev1.EventTypeNormal, eventStarted, "VirtualMachineInstance started.")
	}
	return nil
}

func (a *Agent) setRunning(status *kubevirtv1.VirtualMachineInstanceStatus, vmi *kubevirtv1.VirtualMachineInstance, domain api.DomainStatus) {
	a.setPhase(status, kubevirtv1.Running)
	status.Reason = ""
	a.setCondition(status, kubevirtv1.VirtualMachineInstanceSynchronized, corev1.ConditionTrue, "", "")
	if domain.State == api.StatePaused {
		a.setCondition(status, kubevirtv1.VirtualMachineInstanceReady, corev1.ConditionFalse, reasonGuestPaused, "the guest is paused")
		a.setCondition(status, kubevirtv1.VirtualMachineInstancePaused, corev1.ConditionTrue, domain.Reason, capped(domain.Message))
	} else {
		a.setReady(status, vmi)
		removeCondition(status, kubevirtv1.VirtualMachineInstancePaused)
	}
	a.setGuest(status, domain)
	if domain.Machine != "" {
		status.Machine = &kubevirtv1.Machine{Type: ptr.To(domain.Machine)}
	}
	setHardware(status, &vmi.Spec.Domain, &domain)
	a.setHotMemory(status)
	a.setEmulation(status, &vmi.Spec.Domain, domain.Accelerator)
}

// setEmulation says what an emulated guest goes without; nothing where it has all that was asked for.
func (a *Agent) setEmulation(status *kubevirtv1.VirtualMachineInstanceStatus, domain *kubevirtv1.DomainSpec, accelerator string) {
	missing := domain.NeedsKVM()
	if accelerator != "tcg" || len(missing) == 0 {
		removeCondition(status, kubevirtv1.VirtualMachineInstanceSoftwareEmulation)
		return
	}
	a.setCondition(status, kubevirtv1.VirtualMachineInstanceSoftwareEmulation, corev1.ConditionTrue, reasonNoKVM,
		"KVM is not usable on the node: the guest is emulated, without "+strings.Join(missing, ", ")+" of spec.domain")
}

// ending is how an instance ended.
type ending struct {
	phase   kubevirtv1.VirtualMachineInstancePhase
	reason  string
	message string
	// unsynchronized is set where the domain could not be made at all.
	unsynchronized bool
}

// finish writes the final phase, which hands the instance back.
func (a *Agent) finish(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, end ending) error {
	status := vmi.Status.DeepCopy()
	a.setPhase(status, end.phase)
	status.Reason = end.reason
	message := capped(end.message)
	a.setCondition(status, kubevirtv1.VirtualMachineInstanceReady, corev1.ConditionFalse, reasonGuestNotRunning, message)
	removeCondition(status, kubevirtv1.VirtualMachineInstancePaused)
	if end.unsynchronized {
		a.setCondition(status, kubevirtv1.VirtualMachineInstanceSynchronized, corev1.ConditionFalse, end.reason, message)
	}
	if _, err := a.write(ctx, vmi, status); err != nil {
		return err
	}
	switch {
	case end.unsynchronized:
		a.Recorder.Event(vmi, corev1.EventTypeWarning, eventSyncFailed, message)
	case end.phase == kubevirtv1.Failed:
		a.Recorder.Event(vmi, corev1.EventTypeWarning, eventStopped, "VirtualMachineInstance failed: "+message)
	default:
		a.Recorder.Event(vmi, corev1.EventTypeNormal, eventStopped, "VirtualMachineInstance stopped.")
	}
	return nil
}

// write stores status unless it is what vmi has. A conflict is an error: the caller's next look has the
// newer instance.
func (a *Agent) write(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, status *kubevirtv1.VirtualMachineInstanceStatus) (bool, error) {
	if equality.Semantic.DeepEqual(&vmi.Status, status) {
		return false, nil
	}
	update := *vmi
	update.Status = *status
	_, err := a.Clientset.KubevirtV1().VirtualMachineInstances(vmi.Namespace).UpdateStatus(ctx, &update, metav1.UpdateOptions{})
	if err != nil {
		return false, fmt.Errorf("write status: %w", err)
	}
	return true, nil
}

func (a *Agent) setPhase(status *kubevirtv1.VirtualMachineInstanceStatus, phase kubevirtv1.VirtualMachineInstancePhase) {
	if status.Phase == phase {
		return
	}
	status.Phase = phase
	status.PhaseTransitionTimestamps = append(status.PhaseTransitionTimestamps, kubevirtv1.VirtualMachineInstancePhaseTransitionTimestamp{
		Phase:                    phase,
		PhaseTransitionTimestamp: metav1.NewTime(a.Clock.Now()),
	})
}

func (a *Agent) setCondition(status *kubevirtv1.VirtualMachineInstanceStatus, kind kubevirtv1.VirtualMachineInstanceConditionType, is corev1.ConditionStatus, reason, message string) {
	condition := kubevirtv1.VirtualMachineInstanceCondition{
		Type: kind, Status: is, Reason: reason, Message: message,
		LastTransitionTime: metav1.NewTime(a.Clock.Now()),
	}
	i := slices.IndexFunc(status.Conditions, func(c kubevirtv1.VirtualMachineInstanceCondition) bool { return c.Type == kind })
	if i < 0 {
		status.Conditions = append(status.Conditions, condition)
		return
	}
	if status.Conditions[i].Status == is {
		condition.LastTransitionTime = status.Conditions[i].LastTransitionTime
	}
	status.Conditions[i] = condition
}

func removeCondition(status *kubevirtv1.VirtualMachineInstanceStatus, kind kubevirtv1.VirtualMachineInstanceConditionType) {
	status.Conditions = slices.DeleteFunc(status.Conditions, func(c kubevirtv1.VirtualMachineInstanceCondition) bool { return c.Type == kind })
}
