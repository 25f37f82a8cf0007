// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func applyAutoattach(devices *kubevirtv1.Devices, preferred *instancetypev1.DevicePreferences) {
	fill(&devices.AutoattachGraphicsDevice, preferred.PreferredAutoattachGraphicsDevice)
	fill(&devices.AutoattachMemBalloon, preferred.PreferredAutoattachMemBalloon)
	fill(&devices.AutoattachPodInterface, preferred.PreferredAutoattachPodInterface)
	fill(&devices.AutoattachSerialConsole, preferred.PreferredAutoattachSerialConsole)
	fill(&devices.AutoattachInputDevice, preferred.PreferredAutoattachInputDevice)
}

func applyDevices(spec *kubevirtv1.VirtualMachineInstanceSpec, preferred *instancetypev1.DevicePreferences) {
	devices := &spec.Domain.Devices
	fill(&devices.UseVirtioTransitional, preferred.PreferredUseVirtioTransitional)
	fill(&devices.BlockMultiQueue, preferred.PreferredBlockMultiQueue)
	fill(&devices.NetworkInterfaceMultiQueue, preferred.PreferredNetworkInterfaceMultiQueue)
	// That it is false and that it is not set are one.
	setTrue(&devices.DisableHotplug, preferred.PreferredDisableHotplug)
	fill(&devices.Rng, preferred.PreferredRng)
	fill(&devices.TPM, preferred.PreferredTPM.DeepCopy())
	if video := preferred.PreferredVideoType; video != nil && devices.Video == nil {
		devices.Video = &kubevirtv1.VideoDevice{Type: video}
	}
	if devices.Sound != nil {
		fillText(&devices.Sound.Model, preferred.PreferredSoundModel)
	}
	for i := range devices.Inputs {
		fillText(&devices.Inputs[i].Bus, preferred.PreferredInputBus)
		fillText(&devices.Inputs[i].Type, preferred.PreferredInputType)
	}
	for i := range devices.PanicDevices {
		fill(&devices.PanicDevices[i].Model, preferred.PreferredPanicDeviceModel)
	}
	for i := range devices.Disks {
		applyDisk(&devices.Disks[i], preferred)
	}
	pods := map[string]bool{}
	for _, network := range spec.Networks {
		pods[network.Name] = network.Pod != nil
	}
	for i := range devices.Interfaces {
		applyInterface(&devices.Interfaces[i], pods, preferred)
	}
}

func applyDisk(disk *kubevirtv1.Disk, preferred *instancetypev1.DevicePreferences) {
	if disk.CDRom != nil {
		fillText(&disk.CDRom.Bus, preferred.PreferredCdromBus)
		return
	}
	if disk.LUN != nil {
		fillText(&disk.LUN.Bus, preferred.PreferredLunBus)
		return
	}
	if disk.DiskDevice == (kubevirtv1.DiskDevice{}) {
		disk.Disk = &kubevirtv1.DiskTarget{}
	}
	if disk.Disk != nil {
		fillText(&disk.Disk.Bus, preferred.PreferredDiskBus)
		fillText(&disk.Cache, preferred.PreferredDiskCache)
		fillText(&disk.IO, preferred.PreferredDiskIO)
		fill(&disk.BlockSize, preferred.PreferredDiskBlockSize)
		if ptr.Deref(disk.Disk.Bus, "") == kubevirtv1.DiskBusVirtio {
			fill(&disk.DedicatedIOThread, preferred.PreferredDiskDedicatedIoThread)
		}
	}
}

// applyInterface is told which networks are of pods.
func applyInterface(iface *kubevirtv1.Interface, pods map[string]bool, preferred *instancetypev1.DevicePreferences) {
	fillText(&iface.Model, preferred.PreferredInterfaceModel)
	if iface.InterfaceBindingMethod != (kubevirtv1.InterfaceBindingMethod{}) || preferred.PreferredInterfaceMasquerade == nil {
		return
	}
	if pods[iface.Name] {
		iface.Masquerade = &kubevirtv1.InterfaceMasquerade{}
	}
}
