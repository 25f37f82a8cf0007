// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"net"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

var (
	diskBuses   = []kubevirtv1.DiskBus{kubevirtv1.DiskBusVirtio, kubevirtv1.DiskBusSATA, kubevirtv1.DiskBusSCSI, kubevirtv1.DiskBusUSB}
	cdromBuses  = []kubevirtv1.DiskBus{kubevirtv1.DiskBusSATA, kubevirtv1.DiskBusSCSI, kubevirtv1.DiskBusUSB}
	diskCaches  = []kubevirtv1.DriverCache{kubevirtv1.CacheNone, kubevirtv1.CacheWriteThrough, kubevirtv1.CacheWriteBack}
	trayStates  = []kubevirtv1.TrayState{kubevirtv1.TrayStateOpen, kubevirtv1.TrayStateClosed}
	modelNames  = []string{"e1000", "e1000e", "igb", "ne2k_pci", "pcnet", "rtl8139", "virtio"}
	ifaceNames  = regexp.MustCompile(`^[A-Za-z0-9-_]{1,63}$`)
	zeroAddress = net.HardwareAddr{0, 0, 0, 0, 0, 0}
)

func validateDisks(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	disks, diskPath := spec.Domain.Devices.Disks, path.Child("domain", "devices", "disks")
	if len(disks) > maxItems {
		return field.ErrorList{field.TooMany(diskPath, len(disks), maxItems)}
	}
	volumes := make(map[string]bool, len(spec.Volumes))
	for _, volume := range spec.Volumes {
		volumes[volume.Name] = true
	}
	var errs field.ErrorList
	seen := map[string]bool{}
	for i := range disks {
		disk, path := &disks[i], diskPath.Index(i)
		for _, message := range validation.IsDNS1123Label(disk.Name) {
			errs = append(errs, field.Invalid(path.Child("name"), disk.Name, message))
		}
		if seen[disk.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), disk.Name))
		}
		seen[disk.Name] = true
		if !volumes[disk.Name] {
			errs = append(errs, field.Invalid(path.Child("name"), disk.Name, "no volume of spec.volumes has this name"))
		}
		errs = append(errs, validateDisk(disk, path)...)
	}
	return errs
}

func validateDisk(disk *kubevirtv1.Disk, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if disk.Disk != nil && disk.CDRom != nil {
		errs = append(errs, field.Invalid(path, "disk, cdrom", "can only have a single target defined: disk or cdrom"))
	}
	if target := disk.Disk; target != nil {
		errs = append(errs, oneOf(path.Child("disk", "bus"), target.Bus, diskBuses)...)
		if target.ReadOnly && target.Bus == kubevirtv1.DiskBusSATA {
			errs = append(errs, field.Invalid(path.Child("disk", "readonly"), true, "a sata disk can't be read-only; use the bus virtio or scsi, or a cdrom"))
		}
	}
	if target := disk.CDRom; target != nil {
		errs = append(errs, oneOf(path.Child("cdrom", "bus"), target.Bus, cdromBuses)...)
		errs = append(errs, oneOf(path.Child("cdrom", "tray"), target.Tray, trayStates)...)
		if target.ReadOnly != nil && !*target.ReadOnly {
			errs = append(errs, field.Invalid(path.Child("cdrom", "readonly"), false, "a CD-ROM is read-only; use a disk to write"))
		}
	}
	if disk.Serial != "" && !serials.MatchString(disk.Serial) {
		errs = append(errs, field.Invalid(path.Child("serial"), disk.Serial, "must be made up of 1 to 256 of the following characters [A-Za-z0-9_.+-]"))
	}
	if disk.Cache != "" {
		errs = append(errs, oneOf(path.Child("cache"), disk.Cache, diskCaches)...)
	}
	return errs
}

func validateNetworks(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	networkPath, ifacePath := path.Child("networks"), path.Child("domain", "devices", "interfaces")
	interfaces := spec.Domain.Devices.Interfaces
	if len(spec.Networks) > maxItems || len(interfaces) > maxItems {
		return field.ErrorList{field.TooMany(networkPath, max(len(spec.Networks), len(interfaces)), maxItems)}
	}
	var errs field.ErrorList
	networks := map[string]bool{}
	for i, network := range spec.Networks {
		path := networkPath.Index(i)
		if networks[network.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), network.Name))
		}
		networks[network.Name] = true
		if network.Pod == nil {
			errs = append(errs, field.Required(path, "should have a network type: pod: {}"))
		}
		if i > 0 {
			errs = append(errs, field.Duplicate(path.Child("pod"), "more than one interface is connected to a pod network; one is allowed"))
		}
	}
	connected := map[string]bool{}
	for i := range interfaces {
		iface, path := &interfaces[i], ifacePath.Index(i)
		if !ifaceNames.MatchString(iface.Name) {
			errs = append(errs, field.Invalid(path.Child("name"), iface.Name, "may hold letters, digits, - and _, 63 at most"))
		}
		if connected[iface.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), iface.Name))
		}
		connected[iface.Name] = true
		if !networks[iface.Name] {
			errs = append(errs, field.Invalid(path.Child("name"), iface.Name, "no network of spec.networks has this name"))
		}
		errs = append(errs, oneOf(path.Child("model"), iface.Model, modelNames)...)
		errs = append(errs, validateMAC(iface.MacAddress, path.Child("macAddress"))...)
	}
	for i, network := range spec.Networks {
		if !connected[network.Name] {
			errs = append(errs, field.Required(networkPath.Index(i).Child("name"), fmt.Sprintf("no interface of domain.devices.interfaces is named %q", network.Name)))
		}
	}
	return errs
}

func validateMAC(address string, path *field.Path) field.ErrorList {
	if address == "" {
		return nil
	}
	mac, err := net.ParseMAC(address)
	switch {
	case err != nil || len(mac) != 6:
		return field.ErrorList{field.Invalid(path, address, "must be a MAC address of 6 bytes such as 02:00:00:12:34:56")}
	case mac[0]&1 == 1:
		return field.ErrorList{field.Invalid(path, address, "must be a unicast address: the first byte is even")}
	case mac.String() == zeroAddress.String() || mac.String() == "02:00:00:00:00:00":
		return field.ErrorList{field.Invalid(path, address, "is reserved; choose another")}
	}
	return nil
}

// validateBootOrders lets each position be taken once, by a disk or an interface.
func validateBootOrders(devices *kubevirtv1.Devices, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	taken := map[uint]bool{}
	check := func(order *uint, path *field.Path) {
		switch {
		case order == nil:
		case *order < 1:
			errs = append(errs, field.Invalid(path, *order, "must have a boot order > 0, if supplied"))
		case taken[*order]:
			errs = append(errs, field.Duplicate(path, *order))
		default:
			taken[*order] = true
		}
	}
	for i := range devices.Disks {
		check(devices.Disks[i].BootOrder, path.Child("disks").Index(i).Child("bootOrder"))
	}
	for i := range devices.Interfaces {
		check(devices.Interfaces[i].BootOrder, path.Child("interfaces").Index(i).Child("bootOrder"))
	}
	return errs
}
