// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"fmt"
	"net/netip"

	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node"
)

// UserMode takes the place of a network that there is not: QEMU itself connects each guest, which reaches
// others, but is reached by nobody.
type UserMode struct {
	// Reason says why, and what to do.
	Reason string
}

var _ node.Network = UserMode{}

// Attach implements node.Network.
func (u UserMode) Attach(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance) (*node.Attachment, error) {
	interfaces := vmi.Spec.Domain.Devices.Interfaces
	for i := range interfaces {
		if interfaces[i].Bridge != nil {
			return nil, fmt.Errorf("interface %q: the bridge binding needs the guest network: %s", interfaces[i].Name, u.Reason)
		}
	}
	attachment := &node.Attachment{}
	if len(interfaces) > 0 {
		attachment.Notice = "The guest is on QEMU's user-mode network: it has no address of its own, can't be reached, and is told no DHCP options or names. " + u.Reason
	}
	return attachment, nil
}

// Detach implements node.Network.
func (UserMode) Detach(context.Context, types.NamespacedName, *kubevirtv1.VirtualMachineInstance) error {
	return nil
}

// Trim implements node.Network.
func (UserMode) Trim(context.Context, *kubevirtv1.VirtualMachineInstance, []string) error { return nil }

// Users implements node.Network.
func (UserMode) Users() []node.NetworkUser { return nil }

// Release implements node.Network.
func (UserMode) Release(types.UID) error { return nil }

// Addresses implements node.Network.
func (UserMode) Addresses(*kubevirtv1.VirtualMachineInstance) map[string]netip.Addr { return nil }
