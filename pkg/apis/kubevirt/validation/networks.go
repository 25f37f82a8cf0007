// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"net"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

var (
	modelNames   = []string{"e1000", "e1000e", "igb", "ne2k_pci", "pcnet", "rtl8139", "virtio"}
	ifaceNames   = regexp.MustCompile(`^[A-Za-z0-9-_]{1,63}$`)
	pciAddresses = regexp.MustCompile(`^[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]$`)
	networkNames = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?/)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	zeroAddress  = net.HardwareAddr{0, 0, 0, 0, 0, 0}
)

// maxNetworkName is a namespace, a slash and a name.
const maxNetworkName = 63 + 1 + 253

func validateNetworks(spec *kubevirtv1.VirtualMachineInstanceSpec, path *field.Path) field.ErrorList {
	networkPath, ifacePath, podPath := path.Child("networks"), path.Child("domain", "devices", "interfaces"), path.Child("interfaces")
	interfaces := spec.Domain.Devices.Interfaces
	if len(spec.Networks) > maxItems || len(interfaces) > maxItems {
		return field.ErrorList{field.TooMany(networkPath, max(len(spec.Networks), len(interfaces)), maxItems)}
	}
	var errs field.ErrorList
	networks := map[string]bool{}
	pods := 0
	for i, network := range spec.Networks {
		path := networkPath.Index(i)
		if networks[network.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), network.Name))
		}
		networks[network.Name] = true
		errs = append(errs, validateNetworkSource(&network.NetworkSource, path)...)
		if network.Pod == nil {
			continue
		}
		if pods++; pods == 2 {
			errs = append(errs, field.Duplicate(podPath, "more than one interface is connected to a pod network"))
		}
	}
	connected := map[string]bool{}
	for i := range interfaces {
		iface, path := &interfaces[i], ifacePath.Index(i)
		if !networks[iface.Name] {
			errs = append(errs, field.Invalid(path.Child("name"), iface.Name, "no network of spec.networks has this name"))
		}
		if connected[iface.Name] {
			errs = append(errs, field.Duplicate(path.Child("name"), iface.Name))
		}
		connected[iface.Name] = true
		secondary := spec.MultusNetwork(iface.Name) != nil
		errs = append(errs, validateInterface(iface, secondary, path)...)
		if secondary {
			errs = append(errs, validateSecondary(iface, path)...)
		}
	}
	for i, network := range spec.Networks {
		if !connected[network.Name] {
			errs = append(errs, field.Required(networkPath.Index(i).Child("name"), fmt.Sprintf("no interface of domain.devices.interfaces is named %q", network.Name)))
		}
	}
	return errs
}

func validateNetworkSource(source *kubevirtv1.NetworkSource, path *field.Path) field.ErrorList {
	switch {
	case source.Pod != nil && source.Multus != nil:
		return field.ErrorList{field.Invalid(path, "pod, multus", "should have only one network type; keep one of pod and multus")}
	case source.Pod == nil && source.Multus == nil:
		return field.ErrorList{field.Required(path, "should have a network type: pod: {}, or multus: {networkName: NAME}")}
	case source.Pod != nil:
		return nil
	}
	name := source.Multus.NetworkName
	if name == "" {
		return field.ErrorList{field.Required(path.Child("multus", "networkName"), "names the network")}
	}
	if len(name) > maxNetworkName || !networkNames.MatchString(name) {
		return field.ErrorList{field.Invalid(path.Child("multus", "networkName"), name, "must be NAME or NAMESPACE/NAME, of lower-case letters, digits, - and .")}
	}
	return nil
}

// validateSecondary refuses what only the pod network has.
func validateSecondary(iface *kubevirtv1.Interface, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if iface.Masquerade != nil {
		errs = append(errs, field.Invalid(path.Child("name"), iface.Name, "masquerade is there on the pod network alone; use bridge: {}"))
	}
	if iface.DHCPOptions != nil {
		errs = append(errs, field.Invalid(path.Child("dhcpOptions"), iface.Name, "are told on the pod network alone: who gives addresses on a multus network is not the server"))
	}
	return errs
}

func validateInterface(iface *kubevirtv1.Interface, secondary bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !ifaceNames.MatchString(iface.Name) {
		errs = append(errs, field.Invalid(path.Child("name"), iface.Name, "may hold letters, digits, - and _, 63 at most"))
	}
	if iface.Bridge != nil && iface.Masquerade != nil {
		errs = append(errs, field.Invalid(path, "bridge, masquerade", "has more than one binding; keep one of bridge and masquerade"))
	}
	errs = append(errs, oneOf(path.Child("model"), ptr.Deref(iface.Model, ""), modelNames)...)
	errs = append(errs, validateMAC(ptr.Deref(iface.MacAddress, ""), path.Child("macAddress"))...)
	if ptr.Deref(iface.PciAddress, "") != "" && !pciAddresses.MatchString(ptr.Deref(iface.PciAddress, "")) {
		errs = append(errs, field.Invalid(path.Child("pciAddress"), ptr.Deref(iface.PciAddress, ""), "must be a PCI address such as 0000:81:01.0"))
	}
	switch ptr.Deref(iface.State, "") {
	case "", kubevirtv1.InterfaceStateLinkUp, kubevirtv1.InterfaceStateLinkDown:
	case kubevirtv1.InterfaceStateAbsent:
		if !secondary {
			errs = append(errs, field.Invalid(path.Child("state"), ptr.Deref(iface.State, ""), fmt.Sprintf("%q interface's state %q is not supported on default networks", iface.Name, ptr.Deref(iface.State, ""))))
		}
	default:
		errs = append(errs, field.Invalid(path.Child("state"), ptr.Deref(iface.State, ""), "must be up, down or absent"))
	}
	errs = append(errs, validatePorts(iface.Ports, path.Child("ports"))...)
	return append(errs, validateDHCPOptions(iface.DHCPOptions, path.Child("dhcpOptions"))...)
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
