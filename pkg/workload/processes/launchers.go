// SPDX-License-Identifier: Apache-2.0

package processes

import (
	"context"
	"fmt"
	"runtime"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// Reasons for which an instance has no node.
const (
	reasonLauncherUnavailable = "LauncherUnavailable"
	reasonLibvirtUnavailable  = "LibvirtUnavailable"
)

// notSelected begins as the scheduler of a cluster would tell it.
const notSelected = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector: this machine has the labels "

// onlyNode is why guests do not migrate.
const onlyNode = "the server runs guests on this machine alone: there is no other node to migrate to"

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
func (l *Launchers) Place(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (workload.Placement, error) {
	if has := l.labels(); !labels.SelectorFromSet(vmi.Spec.NodeSelector).Matches(has) {
		return workload.Placement{Reason: corev1.PodReasonUnschedulable, Message: notSelected + has.String()}, nil
	}
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
	return workload.Placement{NodeName: l.node, NotMigratable: onlyNode}, nil
}

func (l *Launchers) labels() labels.Set { return NodeLabels(l.node) }

// NodeLabels are those of a cluster's nodes that this host, the node of that name, has too.
func NodeLabels(node string) labels.Set {
	return labels.Set{
		corev1.LabelArchStable:          runtime.GOARCH,
		corev1.LabelOSStable:            runtime.GOOS,
		corev1.LabelHostname:            node,
		kubevirtv1.NodeSchedulableLabel: "true",
	}
}

// Release implements workload.Launchers: the launcher stays, as it is everyone's.
func (l *Launchers) Release(context.Context, *kubevirtv1.VirtualMachineInstance) error { return nil }
