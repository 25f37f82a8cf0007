// SPDX-License-Identifier: Apache-2.0

package egress

import "net/netip"

// special are the ranges that stand for this machine, its links or for nobody, and what they are called.
var special = []struct {
	prefix netip.Prefix
	kind   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved or broadcast address"},
	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
	// Amazon's metadata in a range that is otherwise an ordinary private one.
	{netip.MustParsePrefix("fd00:ec2::254/128"), "a metadata address"},
}

// siteNAT64 is for the gateways of a site.
var siteNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")

// embedding are ranges of IPv6 whose addresses hold one of IPv4, and where it begins: a gateway on the way may make
// one of the other.
var embedding = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("::/96"), 12},           // IPv4-compatible
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // SIIT
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4
}

// meanings are the addresses that addr may lead to: itself, as IPv4 where it is that, and the one that it holds.
func meanings(addr netip.Addr) []netip.Addr {
	addr = addr.Unmap().WithZone("")
	found := []netip.Addr{addr}
	if addr.Is4() {
		return found
	}
	raw := addr.As16()
	for _, e := range embedding {
		if e.prefix.Contains(addr) {
			found = append(found, netip.AddrFrom4([4]byte(raw[e.at:e.at+4])))
		}
	}
	if siteNAT64.Contains(addr) {
		found = append(found, fromSite(raw)...)
	}
	return found
}

// fromSite are the addresses in all places where RFC 6052 may put one, with byte 8 left out. Where one of them has it,
// the others are mostly of zeros.
func fromSite(raw [16]byte) []netip.Addr {
	var found []netip.Addr
	for _, held := range [][4]byte{
		{raw[6], raw[7], raw[9], raw[10]}, {raw[7], raw[9], raw[10], raw[11]}, [4]byte(raw[9:13]), [4]byte(raw[12:]),
	} {
		if held[0] != 0 {
			found = append(found, netip.AddrFrom4(held))
		}
	}
	return found
}
