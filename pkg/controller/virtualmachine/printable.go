// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	corev1 "k8s.io/api/core/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// printableStatus sums up how the machine is doing: the first of upstream's statuses, in upstream's order,
// that fits.
func printableStatus(o *observation, d *decision) kubevirtv1.VirtualMachinePrintableStatus {
	switch {
	case o.machine.DeletionTimestamp != nil:
		return kubevirtv1.VirtualMachineStatusTerminating
	case isStopping(o, d):
		return kubevirtv1.VirtualMachineStatusStopping
	case hasCondition(o, kubevirtv1.VirtualMachineInstancePaused, corev1.ConditionTrue, ""):
		return kubevirtv1.VirtualMachineStatusPaused
	case o.instance != nil && o.instance.IsRunning():
		return kubevirtv1.VirtualMachineStatusRunning
	case hasCondition(o, kubevirtv1.VirtualMachineInstanceSynchronized, corev1.ConditionFalse, kubevirtv1.ReasonPvcNotFound):
		return kubevirtv1.VirtualMachineStatusPvcNotFound
	case hasFailedDataVolume(o):
		return kubevirtv1.VirtualMachineStatusDataVolumeError
	case hasCondition(o, kubevirtv1.VirtualMachineInstancePodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable):
		return kubevirtv1.VirtualMachineStatusUnschedulable
	case isProvisioning(o):
		return kubevirtv1.VirtualMachineStatusProvisioning
	case o.live() && hasUnboundClaim(o):
		return kubevirtv1.VirtualMachineStatusWaitingForVolumeBinding
	case hasCondition(o, kubevirtv1.VirtualMachineInstanceSynchronized, corev1.ConditionFalse, kubevirtv1.ReasonErrImagePull):
		return kubevirtv1.VirtualMachineStatusErrImagePull
	case hasCondition(o, kubevirtv1.VirtualMachineInstanceSynchronized, corev1.ConditionFalse, kubevirtv1.ReasonImagePullBackOff):
		return kubevirtv1.VirtualMachineStatusImagePullBackOff
	case isStarting(o):
		return kubevirtv1.VirtualMachineStatusStarting
	case ended(o) && d.startFailure != nil && d.startFailure.ConsecutiveFailCount > 0:
		return kubevirtv1.VirtualMachineStatusCrashLoopBackOff
	case ended(o):
		return kubevirtv1.VirtualMachineStatusStopped
	default:
		return kubevirtv1.VirtualMachineStatusUnknown
	}
}

func ended(o *observation) bool { return o.instance == nil || o.instance.IsFinal() }

func isStopping(o *observation, d *decision) bool {
	return !ended(o) && (o.instance.DeletionTimestamp != nil || d.action == stop)
}

func isStarting(o *observation) bool {
	if o.instance == nil {
		return false
	}
	switch o.instance.Status.Phase {
	case "", kubevirtv1.Pending, kubevirtv1.Scheduling, kubevirtv1.Scheduled:
		return true
	default:
		return false
	}
}

// hasCondition looks at an instance that has not ended; an empty reason stands for any.
func hasCondition(o *observation, kind kubevirtv1.VirtualMachineInstanceConditionType, status corev1.ConditionStatus, reason string) bool {
	if ended(o) {
		return false
	}
	condition := o.instance.Status.Condition(kind)
	return condition != nil && condition.Status == status && (reason == "" || condition.Reason == reason)
}

// hasFailedDataVolume finds what upstream calls a failure, and claims that can't be made until somebody mends
// what they ask for.
func hasFailedDataVolume(o *observation) bool {
	for _, volume := range o.dataVolumes {
		if _, failed := volume.Failure(); failed {
			return true
		}
		if _, fault := volume.Obstacle(); fault {
			return true
		}
	}
	return false
}

func isProvisioning(o *observation) bool {
	for _, volume := range o.dataVolumes {
		switch volume.Status.Phase {
		case cdiv1.Succeeded, cdiv1.WaitForFirstConsumer, cdiv1.Failed:
		default:
			return true
		}
	}
	return false
}

func hasUnboundClaim(o *observation) bool {
	for _, claim := range o.claims {
		if claim.Status.Phase != corev1.ClaimBound {
			return true
		}
	}
	return false
}
