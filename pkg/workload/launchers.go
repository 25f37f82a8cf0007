// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Launchers finds each instance a node with a launcher for it.
type Launchers interface {
	// Place makes sure that a launcher for vmi exists or is on its way and says where it stands. It is
	// idempotent and does not wait: the caller asks again.
	Place(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) (Placement, error)
	// Release gives up what Place made. Releasing what is not there succeeds.
	Release(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance) error
}

// Placement is where the launcher of an instance stands.
type Placement struct {
	// NodeName is set once a launcher is ready there; the instance is then that node's.
	NodeName string
	// Reason (CamelCase) and Message say why there is no node yet.
	Reason  string
	Message string
	// NotMigratable is why a guest that runs there can't move to another node; empty where nobody says so.
	NotMigratable string
}
