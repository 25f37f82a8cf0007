// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/dhcp"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/dns"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/leases"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/link"
)

var _ node.Network = &Network{}

// Attach implements node.Network.
func (n *Network) Attach(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance) (*node.Attachment, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	attachment := &node.Attachment{Taps: map[string]string{}}
	for i := range vmi.Spec.Domain.Devices.Interfaces {
		iface := &vmi.Spec.Domain.Devices.Interfaces[i]
		if ptr.Deref(iface.State, "") == kubevirtv1.InterfaceStateAbsent {
			continue
		}
		tap, err := n.attach(vmi, iface)
		if err != nil {
			return nil, fmt.Errorf("interface %q: %w", iface.Name, err)
		}
		attachment.Taps[iface.Name] = tap
	}
	return attachment, nil
}

func (n *Network) attach(vmi *kubevirtv1.VirtualMachineInstance, iface *kubevirtv1.Interface) (string, error) {
	mac, err := net.ParseMAC(ptr.Deref(iface.MacAddress, ""))
	if err != nil {
		return "", err
	}
	lease, err := n.leases.Ensure(leases.Lease{
		Namespace: vmi.Namespace, Name: vmi.Name, Owner: vmi.OwnerUID(), Interface: iface.Name, MAC: mac.String(), Ports: portsOf(iface),
		Network: networkOf(&vmi.Spec, iface.Name),
	})
	if err != nil {
		return "", err
	}
	tap := link.Tap{
		Name: n.tapName(lease), MultiQueue: vmi.Spec.Domain.HasMultiQueue(iface),
		Alias: fmt.Sprintf("virt-apiserver %s/%s %s", vmi.Namespace, vmi.Name, iface.Name),
	}
	if lease.Network != "" {
		err = n.join(lease.Network, tap)
	} else {
		err = n.admit(vmi, iface, lease, tap)
	}
	if err != nil {
		return "", err
	}
	n.taps[tap.Name] = true
	return tap.Name, nil
}

// admit connects a tap to the guest network.
func (n *Network) admit(vmi *kubevirtv1.VirtualMachineInstance, iface *kubevirtv1.Interface, lease leases.Lease, tap link.Tap) error {
	if err := n.filter.Add(filtered(tap.Name, lease)); err != nil {
		return err
	}
	if err := n.bridge.EnsureTap(tap); err != nil {
		return err
	}
	n.guests.put(newGuest(vmi, iface, lease, n.state.gateway().Addr()))
	return nil
}

// Detach implements node.Network.
func (n *Network) Detach(_ context.Context, machine types.NamespacedName, keep *kubevirtv1.VirtualMachineInstance) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, lease := range n.leases.Of(machine) {
		if keep == nil || lease.Owner != keep.OwnerUID() {
			errs = append(errs, n.disconnect(lease))
		}
	}
	return errors.Join(errs...)
}

// Trim implements node.Network.
func (n *Network) Trim(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance, has []string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, lease := range n.leases.Of(types.NamespacedName{Namespace: vmi.Namespace, Name: vmi.Name}) {
		if lease.Owner == vmi.OwnerUID() && !slices.Contains(has, lease.Interface) {
			errs = append(errs, n.disconnect(lease))
		}
	}
	return errors.Join(errs...)
}

// disconnect removes the tap of a lease, where there is one. The lease stays: connected again, the guest has the
// address that it had.
func (n *Network) disconnect(lease leases.Lease) error {
	tap := n.tapName(lease)
	if !n.taps[tap] {
		return nil
	}
	n.guests.remove(lease.Key())
	if err := errors.Join(n.filter.Remove(tap), link.RemoveTap(tap)); err != nil {
		return err
	}
	delete(n.taps, tap)
	return nil
}

// Users implements node.Network.
func (n *Network) Users() []node.NetworkUser {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.leases.All()
	users := make([]node.NetworkUser, 0, len(all))
	for _, lease := range all {
		users = append(users, node.NetworkUser{Machine: lease.Machine(), Owner: lease.Owner, Attached: n.taps[n.tapName(lease)]})
	}
	return users
}

// Release implements node.Network.
func (n *Network) Release(owner types.UID) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, lease := range n.leases.All() {
		if lease.Owner == owner && n.taps[n.tapName(lease)] {
			return fmt.Errorf("a guest of %s is connected", lease.Machine())
		}
	}
	return n.leases.Release(owner)
}

// Addresses implements node.Network.
func (n *Network) Addresses(vmi *kubevirtv1.VirtualMachineInstance) map[string]netip.Addr {
	addresses := map[string]netip.Addr{}
	for i := range vmi.Spec.Domain.Devices.Interfaces {
		name := vmi.Spec.Domain.Devices.Interfaces[i].Name
		if lease, found := n.leases.Get(leases.Key{Owner: vmi.OwnerUID(), Interface: name}); found && lease.Address.IsValid() {
			addresses[name] = lease.Address
		}
	}
	return addresses
}

// portsOf are those that close all others; with the bridge binding they close nothing.
func portsOf(iface *kubevirtv1.Interface) []leases.Port {
	if iface.Bridge != nil {
		return nil
	}
	var ports []leases.Port
	for _, port := range iface.Ports {
		opened := leases.Port{Number: uint16(port.Port), UDP: ptr.Deref(port.Protocol, "") == "UDP"}
		if !slices.Contains(ports, opened) {
			ports = append(ports, opened)
		}
	}
	return ports
}

func newGuest(vmi *kubevirtv1.VirtualMachineInstance, iface *kubevirtv1.Interface, lease leases.Lease, gateway netip.Addr) *guest {
	hostname, zone := vmi.Hostname(), join(vmi.Namespace, dns.Domain)
	added := &guest{
		lease: lease, name: join(vmi.Name, vmi.Namespace), aliases: []string{join(hostname, vmi.Namespace)},
		offer: dhcp.Offer{Address: lease.Address, Hostname: hostname, Domain: zone},
	}
	searches := []string{zone, dns.Domain}
	if subdomain := ptr.Deref(vmi.Spec.Subdomain, ""); subdomain != "" {
		added.aliases = append(added.aliases, join(hostname, subdomain, vmi.Namespace))
		added.offer.Domain = join(subdomain, zone)
		searches = append([]string{added.offer.Domain}, searches...)
	}
	switch ptr.Deref(vmi.Spec.DNSPolicy, corev1.DNSClusterFirst) {
	case corev1.DNSNone:
	case corev1.DNSDefault:
		added.offer.Nameservers = []netip.Addr{gateway}
	default:
		added.offer.Nameservers, added.offer.Searches = []netip.Addr{gateway}, searches
	}
	if config := vmi.Spec.DNSConfig; config != nil {
		added.offer.Nameservers = append(added.offer.Nameservers, addressesOf(config.Nameservers)...)
		added.offer.Searches = append(added.offer.Searches, config.Searches...)
	}
	if options := iface.DHCPOptions; options != nil {
		added.offer.BootFile, added.offer.TFTPServer = ptr.Deref(options.BootFileName, ""), ptr.Deref(options.TFTPServerName, "")
		added.offer.NTPServers = addressesOf(options.NTPServers)
		added.offer.Private = map[uint8]string{}
		for _, option := range options.PrivateOptions {
			added.offer.Private[uint8(option.Option)] = option.Value
		}
	}
	return added
}

// addressesOf leaves out what is none, which validation has refused.
func addressesOf(texts []string) []netip.Addr {
	var addresses []netip.Addr
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil && address.Is4() {
			addresses = append(addresses, address)
		}
	}
	return addresses
}
