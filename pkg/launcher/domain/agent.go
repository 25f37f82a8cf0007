// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"fmt"

	"libvirt.org/go/libvirtxml"
)

// AgentOpen says from the XML of a domain that runs whether something in the guest has the port of the
// guest agent open.
func AgentOpen(text string) (bool, error) {
	var domain libvirtxml.Domain
	if err := domain.Unmarshal(text); err != nil {
		return false, fmt.Errorf("domain: %w", err)
	}
	if domain.Devices == nil {
		return false, nil
	}
	for _, channel := range domain.Devices.Channels {
		if channel.Target != nil && channel.Target.VirtIO != nil && channel.Target.VirtIO.Name == guestAgentChannel {
			return channel.Target.VirtIO.State == "connected", nil
		}
	}
	return false, nil
}
