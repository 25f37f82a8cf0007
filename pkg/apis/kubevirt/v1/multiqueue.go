// SPDX-License-Identifier: Apache-2.0

package v1

import "k8s.io/utils/ptr"

// HasMultiQueue says whether the interface gets a queue for each processor. It comes after the defaults.
func (d *DomainSpec) HasMultiQueue(iface *Interface) bool {
	if d.CPU == nil || ptr.Deref(iface.Model, "") != DefaultInterfaceModel {
		return false
	}
	several := ptr.Deref(d.CPU.Sockets, 0) > 1 || ptr.Deref(d.CPU.Cores, 0) > 1 || ptr.Deref(d.CPU.Threads, 0) > 1
	return several && ptr.Deref(d.Devices.NetworkInterfaceMultiQueue, false)
}
