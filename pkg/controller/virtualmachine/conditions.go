// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// reasonNoCondition is upstream's reason for an instance that does not say whether it is ready.
const reasonNoCondition = "VMIConditionMissing"

// conditions returns the machine's conditions: Ready, all those of its instance, and its own.
func conditions(o *observation, restart []string, failure *failure, now time.Time) []kubevirtv1.VirtualMachineCondition {
	all := []kubevirtv1.VirtualMachineCondition{carried(o, readyCondition(o), now)}
	if o.instance != nil {
		for i := range o.instance.Status.Conditions {
			if condition := &o.instance.Status.Conditions[i]; condition.Type != kubevirtv1.VirtualMachineInstanceReady {
				all = append(all, mirrored(condition))
			}
		}
	}
	if failure != nil {
		all = append(all, carried(o, failure.condition(), now))
	}
	if len(restart) > 0 {
		all = append(all, carried(o, restartCondition(restart), now))
	}
	return all
}

// readyCondition is the instance's own, or says why there is none.
func readyCondition(o *observation) kubevirtv1.VirtualMachineCondition {
	ready := kubevirtv1.NotReadyWithoutInstance()
	if o.instance == nil {
		return ready
	}
	condition := o.instance.Status.Condition(kubevirtv1.VirtualMachineInstanceReady)
	if condition == nil {
		ready.Reason, ready.Message = reasonNoCondition, "VMI is missing the Ready condition"
		return ready
	}
	return mirrored(condition)
}

func mirrored(condition *kubevirtv1.VirtualMachineInstanceCondition) kubevirtv1.VirtualMachineCondition {
	return kubevirtv1.VirtualMachineCondition{
		Type:               kubevirtv1.VirtualMachineConditionType(condition.Type),
		Status:             condition.Status,
		LastProbeTime:      condition.LastProbeTime,
		LastTransitionTime: condition.LastTransitionTime,
		Reason:             condition.Reason,
		Message:            condition.Message,
	}
}

// carried gives condition the time of its last transition: that of the condition which the machine has, if
// the status is the same, else now. A mirrored condition has one already.
func carried(o *observation, condition kubevirtv1.VirtualMachineCondition, now time.Time) kubevirtv1.VirtualMachineCondition {
	if !condition.LastTransitionTime.IsZero() {
		return condition
	}
	condition.LastTransitionTime = metav1.NewTime(now)
	if had := o.machine.Status.Condition(condition.Type); had != nil && had.Status == condition.Status {
		condition.LastTransitionTime = had.LastTransitionTime
	}
	return condition
}
