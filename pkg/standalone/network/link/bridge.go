// SPDX-License-Identifier: Apache-2.0

package link

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"k8s.io/utils/ptr"
)

// Bridge is the device that guests are connected to. Its ports are isolated from one another, and it answers
// for all addresses of its network: what one guest sends to another passes through the host, where it is
// filtered as everything else is.
type Bridge struct {
	Name string
	// Gateway is the host's address in the network.
	Gateway netip.Prefix
}

// Segment is a bridge on which guests reach one another, and the host has no address: one of the machine's, or
// one that was made for them.
type Segment struct{ Name string }

// Ensure makes the segment, or gives it what it lacks.
func (s Segment) Ensure() error {
	device, err := Bridge{Name: s.Name}.ensure()
	if err == nil {
		err = setKernel("ipv6/conf/"+s.Name+"/disable_ipv6", "1") // nothing of the host shall be reached by an address of the link
	}
	if err == nil {
		err = netlink.LinkSetUp(device)
	}
	if err != nil {
		return fmt.Errorf("make the bridge %s: %w", s.Name, err)
	}
	return nil
}

// EnsureTap connects a tap to the segment; see Bridge.EnsureTap.
func (s Segment) EnsureTap(tap Tap) error { return ensureTap(s.Name, tap, false) }

// Reconnect connects a tap to the segment; see Bridge.Reconnect.
func (s Segment) Reconnect(tap string) error { return reconnect(s.Name, tap, false) }

// RemoveSegments removes the bridges whose names begin with prefix.
func RemoveSegments(prefix string) error {
	devices, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list the devices: %w", err)
	}
	for _, device := range devices {
		if device.Type() == "bridge" && strings.HasPrefix(device.Attrs().Name, prefix) {
			err = errors.Join(err, Bridge{Name: device.Attrs().Name}.Remove())
		}
	}
	return err
}

// Ensure makes the bridge, or gives it what it lacks.
func (b Bridge) Ensure() error {
	device, err := b.ensure()
	if err != nil {
		return fmt.Errorf("make the bridge %s: %w", b.Name, err)
	}
	if device.Type() != "bridge" {
		return fmt.Errorf("%s is a device of type %s, not a bridge; choose another name with --guest-network-bridge", b.Name, device.Type())
	}
	for name, value := range map[string]string{
		"ipv6/conf/%s/disable_ipv6":        "1", // nothing of the host shall be reached by an address of the link
		"ipv4/conf/%s/proxy_arp_pvlan":     "1",
		"ipv4/conf/%s/send_redirects":      "0",
		"ipv4/conf/%s/accept_redirects":    "0",
		"ipv4/conf/%s/accept_source_route": "0",
		"ipv4/neigh/%s/proxy_delay":        "0", // answer for other guests at once
	} {
		if err := setKernel(fmt.Sprintf(name, b.Name), value); err != nil {
			return err
		}
	}
	if err := b.setAddress(device); err != nil {
		return fmt.Errorf("give %s its address: %w", b.Name, err)
	}
	if err := netlink.LinkSetUp(device); err != nil {
		return fmt.Errorf("bring %s up: %w", b.Name, err)
	}
	return nil
}

func (b Bridge) ensure() (netlink.Link, error) {
	device, err := netlink.LinkByName(b.Name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return b.create()
	}
	return device, err
}

func (b Bridge) create() (netlink.Link, error) {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = b.Name
	// An address of its own: a bridge without takes on that of a port, and changes it as guests come and go.
	attributes.HardwareAddr = hardwareAddress(b.Name)
	err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attributes, MulticastSnooping: ptr.To(false)})
	if err != nil {
		return nil, err
	}
	return netlink.LinkByName(b.Name)
}

func hardwareAddress(name string) net.HardwareAddr {
	sum := sha256.Sum256([]byte("bridge/" + name))
	return append(net.HardwareAddr{0x02}, sum[:5]...)
}

// setAddress leaves the gateway as the only IPv4 address.
func (b Bridge) setAddress(device netlink.Link) error {
	wanted := &netlink.Addr{IPNet: ipNet(b.Gateway)}
	have, err := netlink.AddrList(device, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for i := range have {
		if have[i].IPNet.String() == wanted.IPNet.String() {
			continue
		}
		if err := netlink.AddrDel(device, &have[i]); err != nil {
			return err
		}
	}
	return netlink.AddrReplace(device, wanted)
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), 32)}
}

// Remove removes the bridge, if it is there.
func (b Bridge) Remove() error {
	device, err := netlink.LinkByName(b.Name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(device)
	}
	if err != nil {
		return fmt.Errorf("remove the bridge %s: %w", b.Name, err)
	}
	return nil
}
