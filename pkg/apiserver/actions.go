// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachine"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/virtualmachineinstance"
)

// actions are the subresources that both routes have, for parents of the given kinds.
func actions(machines *virtualmachine.Storage, machine runtime.Object, instances *virtualmachineinstance.Storage, instance runtime.Object) map[string]rest.Storage {
	return map[string]rest.Storage{
		"virtualmachines/addvolume":              machines.AddVolume(machine),
		"virtualmachines/expand-spec":            machines.ExpandSpec(machine),
		"virtualmachines/portforward":            instances.PortForward(machine, machines.Instance),
		"virtualmachines/removevolume":           machines.RemoveVolume(machine),
		"virtualmachines/restart":                machines.Restart(machine),
		"virtualmachines/start":                  machines.Start(machine),
		"virtualmachines/stop":                   machines.Stop(machine),
		"virtualmachineinstances/addvolume":      instances.AddVolume(instance),
		"virtualmachineinstances/console":        instances.Console(instance, nil),
		"virtualmachineinstances/filesystemlist": instances.FileSystemList(instance),
		"virtualmachineinstances/freeze":         instances.Freeze(instance),
		"virtualmachineinstances/guestosinfo":    instances.GuestOSInfo(instance),
		"virtualmachineinstances/pause":          instances.Pause(instance),
		"virtualmachineinstances/portforward":    instances.PortForward(instance, nil),
		"virtualmachineinstances/removevolume":   instances.RemoveVolume(instance),
		"virtualmachineinstances/reset":          instances.Reset(instance),
		"virtualmachineinstances/softreboot":     instances.SoftReboot(instance),
		"virtualmachineinstances/unfreeze":       instances.Unfreeze(instance),
		"virtualmachineinstances/unpause":        instances.Unpause(instance),
		"virtualmachineinstances/userlist":       instances.UserList(instance),
		"virtualmachineinstances/vnc":            instances.VNC(instance),
		"virtualmachineinstances/vsock":          instances.VSOCK(instance),
	}
}
