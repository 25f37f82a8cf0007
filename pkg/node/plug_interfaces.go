// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// setInterfaces gives a running guest the interfaces that its spec has, with their links up or down, and takes
// those that it has not. It returns what the domain is then, and when to look again at a guest that has not given
// one up yet. What the domain has is the only memory, as with volumes.
func (a *Agent) setInterfaces(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain api.DomainStatus) (api.DomainStatus, time.Duration, error) {
	if domain.State != api.StateRunning && domain.State != api.StatePaused || domain.Targets == nil {
		return domain, 0, nil
	}
	requests := interfaceRequests(&vmi.Spec, domain.Interfaces)
	if len(requests) == 0 {
		return domain, a.trim(ctx, vmi, domain.Interfaces), nil
	}
	attachment, err := a.Network.Attach(ctx, vmi)
	if err != nil {
		return domain, plugRetry, &trouble{reasonNetworkNotReady, fmt.Errorf("connect the guest to the network: %w", err)}
	}
	target := api.Target{Namespace: domain.Namespace, Name: domain.Name, UID: domain.UID}
	var errs []error
	for _, request := range requests {
		request.Tap = attachment.Taps[request.Interface.Name]
		status, err := a.Launcher.SetInterface(ctx, target, request)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		domain = *status
	}
	if len(errs) == 0 && len(interfaceRequests(&vmi.Spec, domain.Interfaces)) == 0 {
		return domain, a.trim(ctx, vmi, domain.Interfaces), nil
	}
	return domain, plugRetry, errors.Join(errs...)
}

// trim has the network let go of interfaces that the guest, which has all that it is to have, has given up, and says
// when to try again.
func (a *Agent) trim(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, has []kubevirtv1.VirtualMachineInstanceNetworkInterface) time.Duration {
	names := make([]string, 0, len(has))
	for i := range has {
		names = append(names, has[i].Name)
	}
	if err := a.Network.Trim(ctx, vmi, names); err != nil {
		klog.FromContext(ctx).Error(err, "Can't remove the connection of an interface that a guest has given up", "instance", klog.KObj(vmi))
		return plugRetry
	}
	return 0
}

// interfaceRequests are for what differs between a spec and what a domain has.
func interfaceRequests(spec *kubevirtv1.VirtualMachineInstanceSpec, has []kubevirtv1.VirtualMachineInstanceNetworkInterface) []api.InterfaceRequest {
	var requests []api.InterfaceRequest
	links, wanted := map[string]string{}, map[string]bool{}
	for _, iface := range has {
		links[iface.Name] = iface.LinkState
	}
	for i := range spec.Domain.Devices.Interfaces {
		iface := &spec.Domain.Devices.Interfaces[i]
		if ptr.Deref(iface.State, "") == kubevirtv1.InterfaceStateAbsent {
			continue
		}
		wanted[iface.Name] = true
		if link, there := links[iface.Name]; !there || (link == string(kubevirtv1.InterfaceStateLinkDown)) != (ptr.Deref(iface.State, "") == kubevirtv1.InterfaceStateLinkDown) {
			requests = append(requests, api.InterfaceRequest{Interface: *iface, MultiQueue: spec.Domain.HasMultiQueue(iface)})
		}
	}
	for _, iface := range has {
		if !wanted[iface.Name] {
			requests = append(requests, api.InterfaceRequest{Interface: kubevirtv1.Interface{Name: iface.Name, State: ptr.To(kubevirtv1.InterfaceStateAbsent)}})
		}
	}
	return requests
}
