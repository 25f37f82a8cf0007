// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// eventDataVolumeFailed is upstream's.
const eventDataVolumeFailed = "FailedDataVolumeImport"

// Reasons of conditions, as upstream names them where it has them.
const (
	reasonAllDataVolumesReady = "AllDVsReady"
	reasonDataVolumesNotReady = "NotAllDVsReady"
	reasonSecretNotFound      = "SecretNotFound"
	reasonConfigMapNotFound   = "ConfigMapNotFound"
	reasonClaimNotBound       = "WaitingForVolumeBinding"
	reasonPlacementFailed     = "FailedCreate"
	reasonNotMigratable       = "NotMigratable"
)

// wait is why an instance cannot have a node yet.
type wait struct {
	condition kubevirtv1.VirtualMachineInstanceCondition
	// fault is true where somebody has to do something about it.
	fault bool
	// event is the reason of the event, where it is not that of the condition.
	event string
}

// inspect says what the instance waits for, or nil if it may have a node. Where it waits for several
// things, that comes first which somebody has to mend.
func inspect(o *observation) *wait {
	for _, look := range []func(*observation) *wait{missingClaim, missingSecret, missingConfigMap, failedDataVolume, unfilledDataVolume, unboundClaim} {
		if w := look(o); w != nil {
			return w
		}
	}
	return nil
}

// missingClaim finds a volume with neither a claim nor a DataVolume that would make it.
func missingClaim(o *observation) *wait {
	for i := range o.instance.Spec.Volumes {
		volume := &o.instance.Spec.Volumes[i]
		name := volume.ClaimName()
		if name == "" || o.claims[name] != nil || o.dataVolumes[name] != nil {
			continue
		}
		kind := "PersistentVolumeClaim"
		if volume.DataVolume != nil {
			kind = "DataVolume"
		}
		return fault(kubevirtv1.VirtualMachineInstanceSynchronized, kubevirtv1.ReasonPvcNotFound,
			"%s %q of volume %q does not exist: create it, or correct the volume", kind, name, volume.Name)
	}
	return nil
}

func missingSecret(o *observation) *wait {
	if len(o.missingSecrets) == 0 {
		return nil
	}
	return fault(kubevirtv1.VirtualMachineInstanceSynchronized, reasonSecretNotFound,
		"Secret %q does not exist: create it, or correct the field that names it", o.missingSecrets[0])
}

func missingConfigMap(o *observation) *wait {
	if len(o.missingConfigMaps) == 0 {
		return nil
	}
	return fault(kubevirtv1.VirtualMachineInstanceSynchronized, reasonConfigMapNotFound,
		"ConfigMap %q does not exist: create it, or correct the volume that names it", o.missingConfigMaps[0])
}

// failedDataVolume finds volumes that can't be filled now, whether somebody has to mend that or not.
func failedDataVolume(o *observation) *wait {
	for _, name := range o.instance.Spec.ClaimNames() {
		volume := o.dataVolumes[name]
		if volume == nil {
			continue
		}
		message, failed := volume.Failure()
		if !failed {
			message, _ = volume.Obstacle()
		}
		if failed || message != "" {
			w := fault(kubevirtv1.VirtualMachineInstanceDataVolumesReady, reasonDataVolumesNotReady,
				"DataVolume %q is not filled: %s", name, message)
			w.event = eventDataVolumeFailed
			return w
		}
	}
	return nil
}

// unfilledDataVolume finds volumes that are being filled, also where they are used by their claims' name.
// The message is the same throughout, so that progress here makes no writes there.
func unfilledDataVolume(o *observation) *wait {
	var unfilled []string
	for _, name := range o.instance.Spec.ClaimNames() {
		if volume := o.dataVolumes[name]; volume != nil && volume.Status.Phase != cdiv1.Succeeded {
			unfilled = append(unfilled, fmt.Sprintf("%q", name))
		}
	}
	if len(unfilled) == 0 {
		return nil
	}
	return patience(kubevirtv1.VirtualMachineInstanceDataVolumesReady, reasonDataVolumesNotReady,
		"waiting for DataVolume %s to be filled", strings.Join(unfilled, ", "))
}

// unboundClaim also finds the claim of a filled DataVolume that the cache has not learned of.
func unboundClaim(o *observation) *wait {
	for _, name := range o.instance.Spec.ClaimNames() {
		claim := o.claims[name]
		switch {
		case claim == nil || claim.Status.Phase == "" || claim.Status.Phase == corev1.ClaimPending:
			return patience(kubevirtv1.VirtualMachineInstancePodScheduled, reasonClaimNotBound,
				"PersistentVolumeClaim %q is not bound to a volume yet", name)
		case claim.Status.Phase != corev1.ClaimBound:
			return fault(kubevirtv1.VirtualMachineInstancePodScheduled, corev1.PodReasonUnschedulable,
				"PersistentVolumeClaim %q is %s: its volume is gone", name, claim.Status.Phase)
		}
	}
	return nil
}

func fault(kind kubevirtv1.VirtualMachineInstanceConditionType, reason, format string, args ...any) *wait {
	w := patience(kind, reason, format, args...)
	w.fault = true
	return w
}

func patience(kind kubevirtv1.VirtualMachineInstanceConditionType, reason, format string, args ...any) *wait {
	return &wait{condition: kubevirtv1.VirtualMachineInstanceCondition{
		Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: fmt.Sprintf(format, args...),
	}}
}
