// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// pendingRequests returns the requests that are not done, of which the first comes first: a Stop is done
// when its instance is gone, a Start when an instance lives. A strategy that starts nothing on request has
// no use for a Start.
func pendingRequests(requests []kubevirtv1.VirtualMachineStateChangeRequest, strategy kubevirtv1.VirtualMachineRunStrategy, o *observation) []kubevirtv1.VirtualMachineStateChangeRequest {
	for len(requests) > 0 {
		first := &requests[0]
		switch first.Action {
		case kubevirtv1.StopRequest:
			if o.instance != nil && (first.UID == nil || *first.UID == o.instance.UID) {
				return requests
			}
		case kubevirtv1.StartRequest:
			if !o.live() && strategy != kubevirtv1.RunStrategyHalted && strategy != kubevirtv1.RunStrategyOnce {
				return requests
			}
		}
		requests = requests[1:]
	}
	return nil
}

// firstAction returns the action of the first request, or "".
func firstAction(requests []kubevirtv1.VirtualMachineStateChangeRequest) kubevirtv1.StateChangeRequestAction {
	if len(requests) == 0 {
		return ""
	}
	return requests[0].Action
}

// startsPaused says whether the Start that comes first asks for a paused guest.
func startsPaused(requests []kubevirtv1.VirtualMachineStateChangeRequest) bool {
	return firstAction(requests) == kubevirtv1.StartRequest && requests[0].Data[kubevirtv1.StartRequestDataPaused] == "true"
}
