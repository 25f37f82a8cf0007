// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// guestNetwork is what a guest sees on QEMU's user-mode network, as upstream behind masquerade.
const guestNetwork = "10.0.2.0/24"

var (
	ifacePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)
	tapPattern   = regexp.MustCompile(`^[a-z][a-z0-9]{0,14}$`)
)

func interfaceModels() []string {
	return []string{"virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet"}
}

func checkInterfaces(interfaces []kubevirtv1.Interface) error {
	if len(interfaces) > maxDevices {
		return fmt.Errorf("spec.domain.devices.interfaces: %d interfaces, the most is %d", len(interfaces), maxDevices)
	}
	seen := map[string]bool{}
	for i, iface := range interfaces {
		field := fmt.Sprintf("spec.domain.devices.interfaces[%d]", i)
		if !ifacePattern.MatchString(iface.Name) {
			return fmt.Errorf("%s.name: %q has other characters than letters, digits, - and _", field, iface.Name)
		}
		if seen[iface.Name] {
			return fmt.Errorf("%s.name: %s is used twice", field, iface.Name)
		}
		seen[iface.Name] = true
		if !slices.Contains(interfaceModels(), ptr.Deref(iface.Model, "")) {
			return fmt.Errorf("%s.model: %q is not one of %v", field, ptr.Deref(iface.Model, ""), interfaceModels())
		}
		if mac, err := net.ParseMAC(ptr.Deref(iface.MacAddress, "")); err != nil || len(mac) != 6 || mac[0]&1 != 0 {
			return fmt.Errorf("%s.macAddress: %q is no unicast MAC address", field, ptr.Deref(iface.MacAddress, ""))
		}
	}
	return nil
}

func buildInterfaces(in Input) ([]libvirtxml.DomainInterface, error) {
	specs := in.Instance.Spec.Domain.Devices.Interfaces
	interfaces := make([]libvirtxml.DomainInterface, 0, len(specs))
	for i := range specs {
		if ptr.Deref(specs[i].State, "") == kubevirtv1.InterfaceStateAbsent {
			continue
		}
		iface, err := buildInterface(&specs[i], in.Taps[specs[i].Name])
		if err != nil {
			return nil, fmt.Errorf("spec.domain.devices.interfaces[%d].%w", i, err)
		}
		interfaces = append(interfaces, *iface)
	}
	return interfaces, nil
}

func buildInterface(spec *kubevirtv1.Interface, tap string) (*libvirtxml.DomainInterface, error) {
	address, err := buildPCIAddress(ptr.Deref(spec.PciAddress, ""))
	if err != nil {
		return nil, fmt.Errorf("pciAddress: %w", err)
	}
	mac, err := net.ParseMAC(ptr.Deref(spec.MacAddress, ""))
	if err != nil {
		return nil, fmt.Errorf("macAddress: %w", err)
	}
	iface := &libvirtxml.DomainInterface{
		MAC:     &libvirtxml.DomainInterfaceMAC{Address: mac.String()},
		Model:   &libvirtxml.DomainInterfaceModel{Type: ptr.Deref(spec.Model, "")},
		Alias:   &libvirtxml.DomainAlias{Name: InterfaceAlias(spec.Name)},
		Boot:    buildBoot(spec.BootOrder),
		Address: address,
	}
	if spec.BootOrder == nil {
		iface.ROM = &libvirtxml.DomainROM{Enabled: "no"} // no seconds lost to network boot
	}
	if ptr.Deref(spec.State, "") == kubevirtv1.InterfaceStateLinkDown {
		iface.Link = &libvirtxml.DomainInterfaceLink{State: string(ptr.Deref(spec.State, ""))}
	}
	if err := connect(iface, tap); err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	return iface, nil
}

// InterfaceAlias of the interface of that name, which a volume may have too.
func InterfaceAlias(name string) string { return aliasPrefix + interfaceMark + name }

// interfaceMark has a character that names of volumes have not.
const interfaceMark = "nic_"

// PluggedInterface returns the XML of an interface that is added to a domain, with a tap of so many queues; of one
// where that is 0.
func PluggedInterface(spec *kubevirtv1.Interface, tap string, queues uint) (string, error) {
	if tap == "" {
		return "", fmt.Errorf("interface %s: only one that is connected by a tap can be added to a running guest", spec.Name)
	}
	if err := checkInterfaces([]kubevirtv1.Interface{*spec}); err != nil {
		return "", err
	}
	iface, err := buildInterface(spec, tap)
	if err != nil {
		return "", fmt.Errorf("interface %s: %w", spec.Name, err)
	}
	if queues > 0 {
		iface.Driver = &libvirtxml.DomainInterfaceDriver{Queues: min(queues, maxQueues)}
	}
	return iface.Marshal()
}

// LinkedInterface returns the XML of an interface of a running domain, with its link as it is wanted.
func LinkedInterface(text string, wanted *kubevirtv1.Interface) (string, error) {
	var domain libvirtxml.Domain
	if err := domain.Unmarshal(text); err != nil {
		return "", fmt.Errorf("domain: %w", err)
	}
	if domain.Devices != nil {
		for i := range domain.Devices.Interfaces {
			if iface := &domain.Devices.Interfaces[i]; iface.Alias != nil && iface.Alias.Name == InterfaceAlias(wanted.Name) {
				iface.Link = &libvirtxml.DomainInterfaceLink{State: string(LinkOf(wanted))}
				return iface.Marshal()
			}
		}
	}
	return "", fmt.Errorf("the guest has no interface %s", wanted.Name)
}

// LinkOf is the state of the link that an interface is to have, which is not absent.
func LinkOf(spec *kubevirtv1.Interface) kubevirtv1.InterfaceState {
	if ptr.Deref(spec.State, "") == kubevirtv1.InterfaceStateLinkDown {
		return ptr.Deref(spec.State, "")
	}
	return kubevirtv1.InterfaceStateLinkUp
}

// Link is the state of the link of the interface of that name; has is false where the domain has none.
func (f *Facts) Link(name string) (state kubevirtv1.InterfaceState, has bool) {
	for _, iface := range f.Interfaces {
		if iface.Name == name {
			return kubevirtv1.InterfaceState(iface.LinkState), true
		}
	}
	return "", false
}

// connect gives the interface a tap that is there already, or QEMU's own network, which needs no right on the
// host; see closeUserNetworks.
func connect(iface *libvirtxml.DomainInterface, tap string) error {
	if tap == "" {
		iface.Source = &libvirtxml.DomainInterfaceSource{User: &libvirtxml.DomainInterfaceSourceUser{}}
		return nil
	}
	if !tapPattern.MatchString(tap) {
		return fmt.Errorf("tap %q: is no name of a device", tap)
	}
	iface.Source = &libvirtxml.DomainInterfaceSource{Ethernet: &libvirtxml.DomainInterfaceSourceEthernet{}}
	iface.Target = &libvirtxml.DomainInterfaceTarget{Dev: tap, Managed: "no"}
	return nil
}

// closeUserNetworks connects the devices of QEMU's own network to one that libvirt can't describe: on it a guest is
// told an address, and reaches nobody. On the one that libvirt asks QEMU for, 10.0.2.2 is all of the host's loopback,
// and so is 127.0.0.1 for a guest that makes its packets itself. Nothing is connected to libvirt's then.
func closeUserNetworks(domain *libvirtxml.Domain) {
	var args []libvirtxml.DomainQEMUCommandlineArg
	var devices []libvirtxml.DomainQEMUOverrideDevice
	for i := range domain.Devices.Interfaces {
		iface := &domain.Devices.Interfaces[i]
		if iface.Source.User == nil {
			continue
		}
		id := fmt.Sprint("closed", i)
		args = append(args, libvirtxml.DomainQEMUCommandlineArg{Value: "-netdev"},
			libvirtxml.DomainQEMUCommandlineArg{Value: "user,id=" + id + ",restrict=on,ipv6=off,net=" + guestNetwork})
		devices = append(devices, libvirtxml.DomainQEMUOverrideDevice{
			Alias: iface.Alias.Name,
			Frontend: libvirtxml.DomainQEMUOverrideFrontend{
				Properties: []libvirtxml.DomainQEMUOverrideProperty{{Name: "netdev", Type: "string", Value: id}},
			},
		})
	}
	if args != nil {
		domain.QEMUCommandline = &libvirtxml.DomainQEMUCommandline{Args: args}
		domain.QEMUOverride = &libvirtxml.DomainQEMUOverride{Devices: devices}
	}
}

// buildPCIAddress reads an address such as 0000:81:01.0.
func buildPCIAddress(text string) (*libvirtxml.DomainAddress, error) {
	if text == "" {
		return nil, nil
	}
	var domain, bus, slot, function uint
	if n, err := fmt.Sscanf(text, "%4x:%2x:%2x.%1x", &domain, &bus, &slot, &function); err != nil || n != 4 {
		return nil, fmt.Errorf("%q is no PCI address such as 0000:81:01.0", text)
	}
	return &libvirtxml.DomainAddress{PCI: &libvirtxml.DomainAddressPCI{Domain: &domain, Bus: &bus, Slot: &slot, Function: &function}}, nil
}

// setQueues gives the interfaces that have a tap of several queues one for each processor.
func setQueues(domain *libvirtxml.Domain, spec *kubevirtv1.DomainSpec, vcpus uint) {
	multi := map[string]bool{}
	for i := range spec.Devices.Interfaces {
		multi[InterfaceAlias(spec.Devices.Interfaces[i].Name)] = spec.HasMultiQueue(&spec.Devices.Interfaces[i])
	}
	for i := range domain.Devices.Interfaces {
		iface := &domain.Devices.Interfaces[i]
		if iface.Source.Ethernet != nil && multi[iface.Alias.Name] {
			iface.Driver = &libvirtxml.DomainInterfaceDriver{Queues: min(vcpus, maxQueues)}
		}
	}
}

func (f *Facts) addInterfaces(interfaces []libvirtxml.DomainInterface) {
	for _, iface := range interfaces {
		if iface.Alias == nil || iface.MAC == nil {
			continue
		}
		status := kubevirtv1.VirtualMachineInstanceNetworkInterface{
			Name:       strings.TrimPrefix(strings.TrimPrefix(iface.Alias.Name, aliasPrefix), interfaceMark),
			MAC:        iface.MAC.Address,
			InfoSource: "domain",
			QueueCount: 1,
			LinkState:  string(kubevirtv1.InterfaceStateLinkUp),
		}
		if iface.Driver != nil && iface.Driver.Queues > 0 {
			status.QueueCount = int32(min(iface.Driver.Queues, maxQueues))
		}
		if iface.Link != nil && iface.Link.State != "" {
			status.LinkState = iface.Link.State
		}
		f.Interfaces = append(f.Interfaces, status)
		if iface.Target != nil && iface.Source != nil && iface.Source.Ethernet != nil {
			if f.Taps == nil {
				f.Taps = map[string]string{}
			}
			f.Taps[status.Name] = iface.Target.Dev
		}
	}
}
