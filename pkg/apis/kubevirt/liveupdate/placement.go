// SPDX-License-Identifier: Apache-2.0

package liveupdate

import kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"

// takePlacement takes what matters only when the guest leaves its node: it stays where it is until then.
func takePlacement(next, wanted *kubevirtv1.VirtualMachineInstanceSpec, _ *kubevirtv1.VirtualMachineInstance) {
	next.NodeSelector = wanted.NodeSelector
	next.EvictionStrategy = wanted.EvictionStrategy
}
