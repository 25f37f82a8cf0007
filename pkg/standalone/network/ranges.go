// SPDX-License-Identifier: Apache-2.0

package network

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/link"
)

// pools are the ranges that networks are chosen from, in this order; few others use them. Each is cut into
// networks of 1021 guests.
var pools = []netip.Prefix{
	netip.MustParsePrefix("10.213.0.0/16"),
	netip.MustParsePrefix("172.30.0.0/16"),
	netip.MustParsePrefix("192.168.192.0/18"),
}

const chosenBits = 22

// collision is that a range is in use.
func collision(wanted netip.Prefix, taken []link.Range) error {
	for _, other := range taken {
		if wanted.Overlaps(other.Prefix) {
			return fmt.Errorf("the range %s overlaps %s, which the machine reaches by %s; choose another with --guest-network-cidr",
				wanted, other.Prefix, other.Device)
		}
	}
	return nil
}

// choose returns a free range. The search begins at one that the server's identity gives, so that servers
// seldom meet.
func choose(instance string, taken []link.Range) (netip.Prefix, error) {
	var seed uint32
	if raw, err := hex.DecodeString(instance); err == nil && len(raw) >= 4 {
		seed = binary.BigEndian.Uint32(raw)
	}
	for _, pool := range pools {
		count := uint32(1) << (chosenBits - pool.Bits())
		base := binary.BigEndian.Uint32(pool.Addr().AsSlice())
		for i := range count {
			var raw [4]byte
			binary.BigEndian.PutUint32(raw[:], base+(seed+i)%count<<(32-chosenBits))
			candidate := netip.PrefixFrom(netip.AddrFrom4(raw), chosenBits)
			if collision(candidate, taken) == nil {
				return candidate, nil
			}
		}
	}
	return netip.Prefix{}, errors.New("all ranges that a guest network is chosen from are in use; name one with --guest-network-cidr")
}

// inUse returns the ranges that the machine has a use for beside the bridge: its routes, and its resolvers, to
// which the default route may lead.
func inUse(bridge, resolvConf string) ([]link.Range, error) {
	taken, err := link.Ranges(bridge)
	if err != nil {
		return nil, err
	}
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return taken, nil // there is none to be in the way of
	}
	for _, server := range config.Servers {
		if address, err := netip.ParseAddr(server); err == nil && address.Is4() {
			taken = append(taken, link.Range{Prefix: netip.PrefixFrom(address, 32), Device: "its name resolution"})
		}
	}
	return taken, nil
}
