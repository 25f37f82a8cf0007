// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"slices"

	"k8s.io/utils/ptr"
)

// Defaults of an instance's spec, as upstream's on amd64 except where a comment says otherwise.
const (
	DefaultArchitecture                  = "amd64"
	DefaultMachineType                   = "q35"
	DefaultCPUModel                      = "host-model"
	DefaultInterfaceModel                = "virtio"
	DefaultDiskBus                       = DiskBusSATA
	DefaultTerminationGracePeriodSeconds = int64(30)
	// DefaultNetworkName names the network and the interface of a guest that asks for none.
	DefaultNetworkName = "default"
	// DefaultLunBus is not upstream's, which is sata: QEMU passes no commands on from there.
	DefaultLunBus = DiskBusSCSI
)

// SetDefaultsVirtualMachineInstanceSpec completes spec in place. It is idempotent and keeps whatever is
// given. It is applied to instances and to copies of templates, never to what a user wrote.
func SetDefaultsVirtualMachineInstanceSpec(spec *VirtualMachineInstanceSpec) {
	domain := &spec.Domain
	if ptr.Deref(spec.Architecture, "") == "" {
		spec.Architecture = ptr.To(DefaultArchitecture)
	}
	setDefaultsCPU(domain)
	setDefaultsMemory(domain)
	if domain.Machine == nil {
		domain.Machine = &Machine{}
	}
	if ptr.Deref(domain.Machine.Type, "") == "" {
		domain.Machine.Type = ptr.To(DefaultMachineType)
	}
	setDefaultsFeatures(domain)
	setDefaultsClock(domain.Clock)
	if fw := domain.Firmware; fw != nil && fw.Bootloader != nil && fw.Bootloader.EFI != nil && fw.Bootloader.EFI.SecureBoot == nil {
		fw.Bootloader.EFI.SecureBoot = ptr.To(true)
	}
	if container := domain.Firmware.KernelContainer(); container != nil && ptr.Deref(container.ImagePullPolicy, "") == "" {
		container.ImagePullPolicy = ptr.To(defaultPullPolicy(container.Image))
	}
	setDefaultsPeripherals(&domain.Devices)
	setDefaultsVolumes(spec.Volumes)
	AddDefaultDevices(spec)
	setDefaultsHotplug(spec)
	for i := range domain.Devices.Disks {
		setDefaultsDisk(&domain.Devices.Disks[i])
	}
	secondary := secondaryNetworks(spec.Networks)
	for i := range domain.Devices.Interfaces {
		setDefaultsInterface(&domain.Devices.Interfaces[i], secondary)
	}
	setDefaultsProbe(spec.LivenessProbe)
	setDefaultsProbe(spec.ReadinessProbe)
	if spec.TerminationGracePeriodSeconds == nil {
		spec.TerminationGracePeriodSeconds = ptr.To(DefaultTerminationGracePeriodSeconds)
	}
}

// AddDefaultDevices gives each volume a disk, and a guest that asks for no network an interface to the pod network.
// It leaves open what they are like.
func AddDefaultDevices(spec *VirtualMachineInstanceSpec) {
	addDefaultDisks(spec)
	devices := &spec.Domain.Devices
	if len(devices.Interfaces) == 0 && len(spec.Networks) == 0 && ptr.Deref(devices.AutoattachPodInterface, true) {
		devices.Interfaces = []Interface{{Name: DefaultNetworkName}}
		spec.Networks = []Network{{Name: DefaultNetworkName, NetworkSource: NetworkSource{Pod: &PodNetwork{}}}}
	}
}

// addDefaultDisks gives each volume a disk. As upstream's they come last, in the order of the volumes: device names
// and what boots depend on it. But those of hot-pluggable volumes that were added later stay behind.
func addDefaultDisks(spec *VirtualMachineInstanceSpec) {
	disks := &spec.Domain.Devices.Disks
	shown := make(map[string]bool, len(*disks))
	for _, disk := range *disks {
		shown[disk.Name] = true
	}
	for i, volume := range spec.Volumes {
		if shown[volume.Name] {
			continue
		}
		place := slices.IndexFunc(*disks, func(disk Disk) bool { return hasHotpluggable(spec.Volumes[i+1:], disk.Name) })
		if place < 0 {
			place = len(*disks)
		}
		*disks = slices.Insert(*disks, place, defaultDisk(&volume))
	}
}

func hasHotpluggable(volumes []Volume, name string) bool {
	return slices.ContainsFunc(volumes, func(v Volume) bool { return v.Name == name && v.IsHotpluggable() })
}

func defaultDisk(volume *Volume) Disk {
	disk := Disk{Name: volume.Name}
	if volume.Sysprep != nil {
		// The setup of Windows looks for answers on what can be taken out.
		disk.CDRom = &CDRomTarget{}
	}
	return disk
}

func setDefaultsDisk(disk *Disk) {
	if disk.CDRom != nil {
		if ptr.Deref(disk.CDRom.Bus, "") == "" {
			disk.CDRom.Bus = ptr.To(DefaultDiskBus)
		}
		if disk.CDRom.ReadOnly == nil {
			disk.CDRom.ReadOnly = ptr.To(true)
		}
		if ptr.Deref(disk.CDRom.Tray, "") == "" {
			disk.CDRom.Tray = ptr.To(TrayStateClosed)
		}
		return
	}
	if disk.LUN != nil {
		if ptr.Deref(disk.LUN.Bus, "") == "" {
			disk.LUN.Bus = ptr.To(DefaultLunBus)
		}
		return
	}
	if disk.Disk == nil {
		disk.Disk = &DiskTarget{}
	}
	if ptr.Deref(disk.Disk.Bus, "") == "" {
		disk.Disk.Bus = ptr.To(DefaultDiskBus)
	}
}

// setDefaultsInterface has the interface reach out by masquerade, which upstream offers as a cluster's default;
// upstream's own default is bridge, and so is ours on all but the pod network.
func setDefaultsInterface(iface *Interface, secondary map[string]bool) {
	if iface.Masquerade == nil && iface.Bridge == nil {
		if secondary[iface.Name] {
			iface.Bridge = &InterfaceBridge{}
		} else {
			iface.Masquerade = &InterfaceMasquerade{}
		}
	}
	if ptr.Deref(iface.Model, "") == "" {
		iface.Model = ptr.To(DefaultInterfaceModel)
	}
}

// RemoveAbsentInterfaces removes the interfaces that a guest is not to have, and their networks.
func RemoveAbsentInterfaces(spec *VirtualMachineInstanceSpec) {
	absent := map[string]bool{}
	spec.Domain.Devices.Interfaces = slices.DeleteFunc(spec.Domain.Devices.Interfaces, func(iface Interface) bool {
		absent[iface.Name] = ptr.Deref(iface.State, "") == InterfaceStateAbsent
		return absent[iface.Name]
	})
	spec.Networks = slices.DeleteFunc(spec.Networks, func(network Network) bool { return absent[network.Name] })
}

// secondaryNetworks has the names of those that are of multus.
func secondaryNetworks(networks []Network) map[string]bool {
	secondary := map[string]bool{}
	for i := range networks {
		if networks[i].Multus != nil {
			secondary[networks[i].Name] = true
		}
	}
	return secondary
}

// MultusNetwork is what the interface of that name connects to; nil where that is the pod network.
func (spec *VirtualMachineInstanceSpec) MultusNetwork(iface string) *MultusNetwork {
	for i := range spec.Networks {
		if spec.Networks[i].Name == iface {
			return spec.Networks[i].Multus
		}
	}
	return nil
}
