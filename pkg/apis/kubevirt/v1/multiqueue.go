// SPDX-License-Identifier: Apache-2.0

package v1

import "k8s.io/utils/ptr"

// HasMultiQueue says whether the interface gets a queue for each processor. It comes after the defaults.
func (d *DomainSpec) HasMultiQueue(iface *Interface) bool {
	if d.CPU == nil || iface.Model != DefaultInterfaceModel {
		return false
	}
	several := d.CPU.Sockets > 1 || d.CPU.Cores > 1 || d.CPU.Threads > 1
	return several && ptr.Deref(d.Devices.NetworkInterfaceMultiQueue, false)
}
