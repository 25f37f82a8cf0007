// SPDX-License-Identifier: Apache-2.0

package node

import (
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// frozen is the status of file systems that are.
const frozen = "frozen"

// setGuest writes what the guest's own agent told. While the launcher does not know yet whether there is one,
// as when it was just started, what is known stays.
func (a *Agent) setGuest(status *kubevirtv1.VirtualMachineInstanceStatus, domain api.DomainStatus) {
	status.FSFreezeStatus = ""
	if domain.Frozen {
		status.FSFreezeStatus = frozen
	}
	if domain.Agent == nil {
		if len(status.Interfaces) == 0 {
			status.Interfaces = domain.Interfaces
		}
		return
	}
	status.Interfaces = mergeInterfaces(domain.Interfaces, domain.Agent.Interfaces)
	if !domain.Agent.Connected {
		removeCondition(status, kubevirtv1.VirtualMachineInstanceAgentConnected)
		return
	}
	a.setCondition(status, kubevirtv1.VirtualMachineInstanceAgentConnected, corev1.ConditionTrue, "", "")
	if domain.Agent.OS != (kubevirtv1.VirtualMachineInstanceGuestOSInfo{}) {
		status.GuestOSInfo = domain.Agent.OS
	}
}
