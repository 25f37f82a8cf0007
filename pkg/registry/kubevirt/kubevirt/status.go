// SPDX-License-Identifier: Apache-2.0

package kubevirt

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

// tellStatus fills in the status of what is answered: that of this server.
func tellStatus(obj runtime.Object) {
	switch obj := obj.(type) {
	case *kubevirtv1.KubeVirt:
		told := version.KubeVirt().GitVersion
		obj.Status = kubevirtv1.KubeVirtStatus{
			Phase:                   kubevirtv1.KubeVirtPhaseDeployed,
			Conditions:              conditions(obj),
			ObservedGeneration:      ptr.To(obj.Generation),
			ObservedKubeVirtVersion: told,
			OperatorVersion:         told,
			TargetKubeVirtVersion:   told,
		}
	case *kubevirtv1.KubeVirtList:
		for i := range obj.Items {
			tellStatus(&obj.Items[i])
		}
	}
}

// conditions have upstream's reasons. They hold since the object was made, as the settings have no other state.
func conditions(kv *kubevirtv1.KubeVirt) []kubevirtv1.KubeVirtCondition {
	condition := func(kind kubevirtv1.KubeVirtConditionType, status corev1.ConditionStatus, reason, message string) kubevirtv1.KubeVirtCondition {
		return kubevirtv1.KubeVirtCondition{
			Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: kv.CreationTimestamp,
		}
	}
	const ready, allReady = "AllComponentsReady", "All components are ready."
	return []kubevirtv1.KubeVirtCondition{
		condition(kubevirtv1.KubeVirtConditionAvailable, corev1.ConditionTrue, ready, allReady),
		condition(kubevirtv1.KubeVirtConditionProgressing, corev1.ConditionFalse, ready, allReady),
		condition(kubevirtv1.KubeVirtConditionDegraded, corev1.ConditionFalse, ready, allReady),
		condition(kubevirtv1.KubeVirtConditionCreated, corev1.ConditionTrue, "AllResourcesCreated", "All resources were created."),
	}
}
