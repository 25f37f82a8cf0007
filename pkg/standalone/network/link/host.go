// SPDX-License-Identifier: Apache-2.0

package link

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
)

const kernelRoot = "/proc/sys/net/"

// Forwards says whether the machine forwards between its interfaces.
func Forwards() (bool, error) {
	value, err := os.ReadFile(kernelRoot + "ipv4/ip_forward")
	if err != nil {
		return false, fmt.Errorf("see whether the machine forwards: %w", err)
	}
	return strings.TrimSpace(string(value)) != "0", nil
}

// SetForwards lets the machine forward, or not.
func SetForwards(on bool) error {
	if on {
		return setKernel("ipv4/ip_forward", "1")
	}
	return setKernel("ipv4/ip_forward", "0")
}

// setKernel writes a setting of the network, unless it has that value. One that the kernel does not have, as
// those of IPv6 where that is off, needs no setting.
func setKernel(name, value string) error {
	have, err := os.ReadFile(kernelRoot + name)
	if os.IsNotExist(err) || err == nil && strings.TrimSpace(string(have)) == value {
		return nil
	}
	if err := os.WriteFile(kernelRoot+name, []byte(value), 0o644); err != nil {
		return fmt.Errorf("set net/%s to %s: %w", name, value, err)
	}
	return nil
}

// Range of addresses that the machine has a use for.
type Range struct {
	Prefix netip.Prefix
	// Device is the interface that leads there.
	Device string
}

// Ranges returns the networks of the machine's routes and addresses in all its tables, but for default routes
// and what is of the named device.
func Ranges(except string) ([]Range, error) {
	names := map[int]string{}
	devices, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list the devices: %w", err)
	}
	for _, device := range devices {
		names[device.Attrs().Index] = device.Attrs().Name
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("list the routes: %w", err)
	}
	addresses, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list the addresses: %w", err)
	}
	var ranges []Range
	add := func(network *net.IPNet, index int) {
		prefix, ok := prefixOf(network)
		if ok && prefix.Bits() > 0 && names[index] != except && !prefix.Addr().IsMulticast() {
			ranges = append(ranges, Range{Prefix: prefix, Device: names[index]})
		}
	}
	for _, route := range routes {
		add(route.Dst, route.LinkIndex)
	}
	for _, address := range addresses {
		add(address.IPNet, address.LinkIndex)
	}
	return ranges, nil
}

func prefixOf(network *net.IPNet) (netip.Prefix, bool) {
	if network == nil {
		return netip.Prefix{}, false
	}
	address, ok := netip.AddrFromSlice(network.IP.To4())
	bits, _ := network.Mask.Size()
	return netip.PrefixFrom(address, bits).Masked(), ok
}
