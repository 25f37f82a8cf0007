// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// conditions are those of an instance that has no node yet, by type; what is absent does not apply.
type conditions map[kubevirtv1.VirtualMachineInstanceConditionType]kubevirtv1.VirtualMachineInstanceCondition

// ownTypes are the types of conditions that are the control plane's until a node has the instance, in the
// order in which they are listed.
var ownTypes = [...]kubevirtv1.VirtualMachineInstanceConditionType{
	kubevirtv1.VirtualMachineInstanceDataVolumesReady, kubevirtv1.VirtualMachineInstanceSynchronized,
	kubevirtv1.VirtualMachineInstanceProvisioning, kubevirtv1.VirtualMachineInstancePodScheduled,
	kubevirtv1.VirtualMachineInstanceIsMigratable,
}

func (c conditions) set(condition kubevirtv1.VirtualMachineInstanceCondition) {
	c[condition.Type] = condition
}

// waiting is the status of an instance that w keeps from a node.
func waiting(o *observation, w *wait, now time.Time) *kubevirtv1.VirtualMachineInstanceStatus {
	all := dataVolumesCondition(o)
	all.set(w.condition)
	status := newStatus(o, kubevirtv1.Pending, all, now)
	status.Reason = w.condition.Reason
	return status
}

// placing is the status of an instance whose launcher is not there yet. Its own reason says what the
// launchers say; that of the condition is what clients know.
func placing(o *observation, placement workload.Placement, now time.Time) *kubevirtv1.VirtualMachineInstanceStatus {
	all := dataVolumesCondition(o)
	all.set(kubevirtv1.VirtualMachineInstanceCondition{Type: kubevirtv1.VirtualMachineInstanceProvisioning, Status: corev1.ConditionTrue})
	if w := unplaced(placement); w.fault {
		all.set(w.condition)
	}
	status := newStatus(o, kubevirtv1.Scheduling, all, now)
	status.Reason = placement.Reason
	return status
}

// unplaced is why the launchers gave no node; it is a fault where they gave a reason.
func unplaced(placement workload.Placement) *wait {
	w := fault(kubevirtv1.VirtualMachineInstancePodScheduled, corev1.PodReasonUnschedulable, "%s", placement.Message)
	w.fault = placement.Reason != ""
	return w
}

// placed is the status with which an instance becomes its node's.
func placed(o *observation, placement workload.Placement, now time.Time) *kubevirtv1.VirtualMachineInstanceStatus {
	all := dataVolumesCondition(o)
	if placement.NotMigratable != "" {
		all.set(kubevirtv1.VirtualMachineInstanceCondition{
			Type: kubevirtv1.VirtualMachineInstanceIsMigratable, Status: corev1.ConditionFalse,
			Reason: reasonNotMigratable, Message: placement.NotMigratable,
		})
	}
	status := newStatus(o, kubevirtv1.Scheduled, all, now)
	status.Reason = ""
	status.NodeName = placement.NodeName
	status.QOSClass = ptr.To(qosClass(&o.instance.Spec.Domain))
	return status
}

// newStatus is the instance's status in phase, with those conditions and no others of the control plane's.
func newStatus(o *observation, phase kubevirtv1.VirtualMachineInstancePhase, all conditions, now time.Time) *kubevirtv1.VirtualMachineInstanceStatus {
	status := o.instance.Status.DeepCopy()
	if len(status.PhaseTransitionTimestamps) == 0 {
		status.Phase = ""
		status.SetPhase(kubevirtv1.Pending, o.instance.CreationTimestamp)
	}
	status.SetPhase(phase, metav1.NewTime(now))
	for _, kind := range ownTypes {
		if condition, ok := all[kind]; ok {
			status.SetCondition(condition, metav1.NewTime(now))
		} else {
			status.RemoveCondition(kind)
		}
	}
	return status
}

// dataVolumesCondition says whether the DataVolumes are filled; it holds nothing if the instance has none.
func dataVolumesCondition(o *observation) conditions {
	all := make(conditions)
	if len(o.dataVolumes) == 0 {
		return all
	}
	if w := unfilledDataVolume(o); w != nil {
		all.set(w.condition)
		return all
	}
	all.set(kubevirtv1.VirtualMachineInstanceCondition{
		Type: kubevirtv1.VirtualMachineInstanceDataVolumesReady, Status: corev1.ConditionTrue,
		Reason: reasonAllDataVolumesReady, Message: "all DataVolumes are filled",
	})
	return all
}
