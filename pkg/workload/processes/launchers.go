// SPDX-License-Identifier: Apache-2.0

package processes

import (
	"context"
	"fmt"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// Reasons for which an instance has no node.
const (
	reasonLauncherUnavailable = "LauncherUnavailable"
	reasonLibvirtUnavailable  = "LibvirtUnavailable"
)

// Launchers gives every instance to this machine, whose launcher runs them all.
type Launchers struct {
	node   string
	health func(context.Context) (*api.Health, error)
}

var _ workload.Launchers = &Launchers{}

// NewLaunchers returns the launchers of the machine that is the node of that name; health asks its launcher.
func NewLaunchers(node string, health func(context.Context) (*api.Health, error)) *Launchers {
	return &Launchers{node: node, health: health}
}

// Place implements workload.Launchers.
func (l *Launchers) Place(ctx context.Context, _ *kubevirtv1.VirtualMachineInstance) (workload.Placement, error) {
	health, err := l.health(ctx)
	if err != nil {
		return workload.Placement{
			Reason:  reasonLauncherUnavailable,
			Message: fmt.Sprintf("virt-launcher does not answer, it is being started again: %v", err),
		}, nil
	}
	if !health.Libvirt {
		return workload.Placement{Reason: reasonLibvirtUnavailable, Message: health.Message}, nil
	}
	return workload.Placement{NodeName: l.node}, nil
}

// Release implements workload.Launchers: the launcher stays, as it is everyone's.
func (l *Launchers) Release(context.Context, *kubevirtv1.VirtualMachineInstance) error { return nil }
