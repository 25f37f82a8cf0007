// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"maps"
	"slices"

	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// takeInterfaces adds and removes interfaces on other than the pod network, and takes the state of any link. One
// that has changed otherwise under its name stays as it is.
func takeInterfaces(next, wanted *kubevirtv1.VirtualMachineInstanceSpec, _ *kubevirtv1.VirtualMachineInstance) {
	has, wants := connectionsOf(next), connectionsOf(wanted)
	for name, connection := range has {
		if _, stays := wants[name]; !stays && connection.takesHotplug(next) {
			delete(has, name)
			next.Networks = slices.DeleteFunc(next.Networks, func(n kubevirtv1.Network) bool { return n.Name == name })
			next.Domain.Devices.Interfaces = slices.DeleteFunc(next.Domain.Devices.Interfaces, func(i kubevirtv1.Interface) bool { return i.Name == name })
		}
	}
	for i := range next.Domain.Devices.Interfaces {
		iface := &next.Domain.Devices.Interfaces[i]
		if other, stays := wants[iface.Name]; stays {
			iface.State = other.iface.State
		}
	}
	for i := range wanted.Domain.Devices.Interfaces {
		name := wanted.Domain.Devices.Interfaces[i].Name
		if connection, ok := wants[name]; ok && !has.contains(name) && connection.takesHotplug(next) {
			next.Networks = append(next.Networks, *connection.network.DeepCopy())
			next.Domain.Devices.Interfaces = append(next.Domain.Devices.Interfaces, *connection.iface.DeepCopy())
		}
	}
	// The order means nothing to a guest that runs.
	if maps.EqualFunc(connectionsOf(next), wants, connection.equal) {
		next.Networks = wanted.DeepCopy().Networks
		next.Domain.Devices.Interfaces = wanted.DeepCopy().Domain.Devices.Interfaces
	}
}

// connection is an interface with its network.
type connection struct {
	iface   kubevirtv1.Interface
	network kubevirtv1.Network
}

func (c connection) equal(other connection) bool {
	return verbatim.Equal(c.iface, other.iface) && verbatim.Equal(c.network, other.network)
}

type connections map[string]connection

func (c connections) contains(name string) bool { _, ok := c[name]; return ok }

func connectionsOf(spec *kubevirtv1.VirtualMachineInstanceSpec) connections {
	found := connections{}
	for _, iface := range spec.Domain.Devices.Interfaces {
		for _, network := range spec.Networks {
			if network.Name == iface.Name {
				found[iface.Name] = connection{iface, network}
			}
		}
	}
	return found
}

// takesHotplug says whether the interface can come and go while a guest of that spec runs.
func (c connection) takesHotplug(spec *kubevirtv1.VirtualMachineInstanceSpec) bool {
	return c.network.Multus != nil && c.iface.BootOrder == nil && ptr.Deref(c.iface.PciAddress, "") == "" &&
		ptr.Deref(c.iface.Model, "") == kubevirtv1.DefaultInterfaceModel && !ptr.Deref(spec.Domain.Devices.DisableHotplug, false)
}
