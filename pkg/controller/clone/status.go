// SPDX-License-Identifier: Apache-2.0

package clone

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
)

// Reasons of conditions and events; the first and those of success are upstream's.
const (
	reasonNoSource      = "SourceDoesNotExist"
	reasonSourceRuns    = "SourceIsRunning"
	reasonCreating      = "CreatingTargetVM"
	reasonCreated       = "TargetVMCreated"
	reasonCopying       = "CopyingDisks"
	reasonReady         = "Ready"
	reasonTargetExists  = "TargetExists"
	reasonTargetGone    = "TargetDeleted"
	reasonNotPossible   = "TargetNotPossible"
	reasonCopyFailed    = "CopyFailed"
	reasonSourceStarted = "SourceStarted"
	reasonSourceChanged = "SourceChanged"
)

// next is a status that is made from the one before.
type next struct {
	clonev1.VirtualMachineCloneStatus
	now metav1.Time
}

func nextOf(clone *clonev1.VirtualMachineClone) *next {
	return &next{*clone.Status.DeepCopy(), metav1.Now()}
}

func (n *next) conditions(progressing, ready corev1.ConditionStatus, reason, message string) *next {
	n.SetCondition(clonev1.Condition{Type: clonev1.ConditionProgressing, Status: progressing, Reason: reason, Message: message}, n.now)
	n.SetCondition(clonev1.Condition{Type: clonev1.ConditionReady, Status: ready, Reason: reason, Message: message}, n.now)
	return n
}

// waiting cannot begin yet.
func (n *next) waiting(reason, message string) *next {
	return n.conditions(corev1.ConditionFalse, corev1.ConditionFalse, reason, message)
}

func (n *next) creating(target string) *next {
	n.Phase, n.TargetName, n.CreationTime = clonev1.CreatingTargetVM, &target, ptr.To(n.now)
	return n.conditions(corev1.ConditionTrue, corev1.ConditionFalse, reasonCreating, "")
}

func (n *next) copying(target string, d disks) *next {
	n.Phase = clonev1.RestoreInProgress
	message := fmt.Sprintf("virtual machine %q has %d of %d disks", target, d.total-d.waiting, d.total)
	if d.detail != "" {
		message += ": " + d.detail
	}
	return n.conditions(corev1.ConditionTrue, corev1.ConditionFalse, reasonCopying, message)
}

func (n *next) succeeded(target string) *next {
	n.Phase = clonev1.Succeeded
	return n.conditions(corev1.ConditionFalse, corev1.ConditionTrue, reasonReady, fmt.Sprintf("virtual machine %q can be started", target))
}

func (n *next) failed(reason, message string) *next {
	n.Phase = clonev1.Failed
	return n.conditions(corev1.ConditionFalse, corev1.ConditionFalse, reason, message)
}

// write stores the status of clone, if it is new, and tells of what is. A conflict is an error: the next look has
// the newer clone.
func (c *Controller) write(ctx context.Context, clone *clonev1.VirtualMachineClone, status *next) error {
	if apiequality.Semantic.DeepEqual(clone.Status, status.VirtualMachineCloneStatus) {
		return nil
	}
	update := *clone
	update.Status = status.VirtualMachineCloneStatus
	_, err := c.client.CloneV1beta1().VirtualMachineClones(clone.Namespace).UpdateStatus(ctx, &update, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	c.announce(clone, status)
	return nil
}

func (c *Controller) announce(clone *clonev1.VirtualMachineClone, status *next) {
	had, has := clone.Status.Condition(clonev1.ConditionReady), status.Condition(clonev1.ConditionReady)
	if had != nil && had.Reason == has.Reason {
		return
	}
	switch has.Reason {
	case reasonCreating:
	case reasonCopying:
		c.recorder.Eventf(clone, corev1.EventTypeNormal, reasonCreated, "created target VM %s for clone %s", *status.TargetName, clone.Name)
	case reasonReady:
		c.recorder.Event(clone, corev1.EventTypeNormal, string(clonev1.Succeeded), has.Message)
	default:
		c.recorder.Event(clone, corev1.EventTypeWarning, has.Reason, has.Message)
	}
}
