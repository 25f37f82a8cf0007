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

// UserMode takes the place of a network that there is not: QEMU itself tells each guest an address, and the guest
// reaches nobody and is reached by nobody.
type UserMode struct{ unconnected }

var _ node.Network = UserMode{}

// Attach implements node.Network.
func (u UserMode) Attach(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance) (*node.Attachment, error) {
	interfaces := vmi.Spec.Domain.Devices.Interfaces
	for i := range interfaces {
		if interfaces[i].Bridge != nil {
			return nil, fmt.Errorf("interface %q: the bridge binding needs a server that was started with --guest-network=bridge", interfaces[i].Name)
		}
	}
	attachment := &node.Attachment{}
	if len(interfaces) > 0 {
		attachment.Notice = "The guest is on QEMU's user-mode network, as the server was started with --guest-network=user: it reaches nobody, can't be reached, and is told no DHCP options or names."
	}
	return attachment, nil
}

// Missing takes the place of a network that was asked for and can't be had.
type Missing struct {
	unconnected
	// Cause says what the machine lacks.
	Cause error
}

var _ node.Network = Missing{}

// Attach implements node.Network.
func (m Missing) Attach(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance) (*node.Attachment, error) {
	if len(vmi.Spec.Domain.Devices.Interfaces) == 0 {
		return &node.Attachment{}, nil
	}
	return nil, fmt.Errorf("there is no guest network on this machine: %w; it needs root with CAP_NET_ADMIN, /dev/net/tun and nftables. "+
		"Mend that and start the server again, start it with --guest-network=user, where guests reach nobody, "+
		"or give the machine no interface: spec.template.spec.domain.devices.autoattachPodInterface: false", m.Cause)
}

// unconnected is what networks have in common that connect guests to nobody.
type unconnected struct{}

// Detach implements node.Network.
func (unconnected) Detach(context.Context, types.NamespacedName, *kubevirtv1.VirtualMachineInstance) error {
	return nil
}

// Trim implements node.Network.
func (unconnected) Trim(context.Context, *kubevirtv1.VirtualMachineInstance, []string) error {
	return nil
}

// Users implements node.Network.
func (unconnected) Users() []node.NetworkUser { return nil }

// Release implements node.Network.
func (unconnected) Release(types.UID) error { return nil }

// Addresses implements node.Network.
func (unconnected) Addresses(*kubevirtv1.VirtualMachineInstance) map[string]netip.Addr { return nil }
