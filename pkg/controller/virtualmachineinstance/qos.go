// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// qosClass is what Kubernetes makes of a pod that has the domain's requests and limits: guaranteed where both
// processors and memory have limits, and requests that are the same or left out. Every guest asks for memory, so that
// the others are burstable.
func qosClass(domain *kubevirtv1.DomainSpec) corev1.PodQOSClass {
	if domain.CPU != nil && ptr.Deref(domain.CPU.DedicatedCPUPlacement, false) {
		return corev1.PodQOSGuaranteed
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		limit, limited := domain.Resources.Limit(name)
		request, requested := domain.Resources.Request(name)
		if !limited || requested && request.Cmp(limit) != 0 {
			return corev1.PodQOSBurstable
		}
	}
	return corev1.PodQOSGuaranteed
}
