// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"

	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// resize gives the guest of a running instance the processors and the memory that its spec says, and returns
// what its domain is then. Where that fails, the domain is as it was.
func (a *Agent) resize(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, domain api.DomainStatus) (api.DomainStatus, error) {
	request := resizeOf(&vmi.Spec.Domain, &domain)
	if request == (api.ResizeRequest{}) {
		return domain, nil
	}
	target := api.Target{Namespace: domain.Namespace, Name: domain.Name, UID: domain.UID}
	resized, err := a.Launcher.Resize(ctx, target, request)
	if err != nil {
		return domain, err
	}
	return *resized, nil
}

// resizeOf asks for nothing where the domain has what the spec says, or does not run.
func resizeOf(spec *kubevirtv1.DomainSpec, domain *api.DomainStatus) api.ResizeRequest {
	var request api.ResizeRequest
	if domain.State != api.StateRunning && domain.State != api.StatePaused {
		return request
	}
	if cpu := spec.CPU; cpu != nil && domain.VCPUs != 0 {
		if wanted := uint(ptr.Deref(cpu.Sockets, 0)) * uint(ptr.Deref(cpu.Cores, 0)) * uint(ptr.Deref(cpu.Threads, 0)); wanted > domain.VCPUs {
			request.VCPUs = wanted
		}
	}
	if memory := spec.Memory; memory != nil && memory.Guest != nil && memory.MaxGuest != nil && domain.Memory.Requested != 0 {
		if wanted := memory.Guest.Value(); wanted != domain.Memory.Requested {
			request.Memory = wanted
		}
	}
	return request
}

// passing is trouble that is worth another try.
func passing(trouble error) error {
	if api.ReasonFor(trouble) == api.ErrorInvalid {
		return nil
	}
	return trouble
}
