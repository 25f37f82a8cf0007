// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// lookupTimeout bounds how long a name is looked up that a proxy will look up again.
const lookupTimeout = 5 * time.Second

// Policy says what may be reached. The zero value refuses all that is special.
type Policy struct {
	// Allow are ranges that may be reached although they are special.
	Allow []netip.Prefix
}

// Dialer returns a dialer that refuses before the first packet. Connecting takes so long at the most.
func (p Policy) Dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return failure.Permanent(failure.AddressRefused, "%s is no address of an IP network", address)
		}
		return p.Check(to.Addr())
	}}
}

// Proxy is http.ProxyFromEnvironment, for what may be reached.
func (p Policy) Proxy(req *http.Request) (*url.URL, error) {
	return p.ProxyBy(http.ProxyFromEnvironment)(req)
}

// ProxyBy returns choose with a judgement of what the proxy is asked for: the dialer sees the proxy only.
func (p Policy) ProxyBy(choose func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		proxy, err := choose(req)
		if err != nil || proxy == nil {
			return proxy, err
		}
		if err := p.checkHost(req.Context(), req.URL.Hostname()); err != nil {
			return nil, err
		}
		return proxy, nil
	}
}

// checkHost judges a name by all its addresses. One that is not known here is left to the proxy.
func (p Policy) checkHost(ctx context.Context, host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		return p.Check(addr)
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", strings.TrimSuffix(host, "."))
	if err != nil {
		return nil
	}
	for _, addr := range found {
		if err := p.Check(addr); err != nil {
			return err
		}
	}
	return nil
}

// Check returns an error for an address that may not be reached.
func (p Policy) Check(addr netip.Addr) error {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return failure.Transient(failure.AddressRefused, "list the addresses of this machine: %w", err)
	}
	if kind := p.refuses(addr, prefixes(own)); kind != "" {
		return failure.Transient(failure.AddressRefused,
			"%s is %s, which imports don't reach: serve the image at another address, or have the administrator allow it with --import-allow-cidr",
			addr, kind)
	}
	return nil
}

// refuses says what kind of address may not be reached, and "" of one that may. own are those of this machine.
func (p Policy) refuses(addr netip.Addr, own []netip.Prefix) string {
	means := meanings(addr)
	if p.allows(means[0]) {
		return ""
	}
	for _, meant := range means {
		if p.allows(meant) {
			continue
		}
		if kind := kindOf(meant, own); kind != "" {
			return kind
		}
	}
	return ""
}

func (p Policy) allows(addr netip.Addr) bool {
	for _, allowed := range p.Allow {
		if allowed.Contains(addr) {
			return true
		}
	}
	return false
}

func kindOf(addr netip.Addr, own []netip.Prefix) string {
	for _, s := range special {
		if s.prefix.Contains(addr) {
			return s.kind
		}
	}
	for _, mine := range own {
		if mine.Addr() == addr {
			return "an address of this machine"
		}
		if addr.Is4() && addr == broadcast(mine) {
			return "a broadcast address"
		}
	}
	return ""
}

// prefixes are the addresses that interfaces have, with the length of their networks.
func prefixes(addrs []net.Addr) []netip.Prefix {
	var found []netip.Prefix
	for _, a := range addrs {
		network, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if addr, ok := netip.AddrFromSlice(network.IP); ok {
			ones, _ := network.Mask.Size()
			found = append(found, netip.PrefixFrom(addr.Unmap(), ones))
		}
	}
	return found
}

// broadcast is the last address of a network that has more than two.
func broadcast(network netip.Prefix) netip.Addr {
	if !network.Addr().Is4() || network.Bits() > 30 {
		return netip.Addr{}
	}
	last := network.Masked().Addr().As4()
	for bit := network.Bits(); bit < 32; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(last)
}

// Parse reads ranges such as 127.0.0.0/8; a single address stands for itself.
func Parse(texts []string) ([]netip.Prefix, error) {
	var ranges []netip.Prefix
	for _, text := range texts {
		if addr, err := netip.ParseAddr(text); err == nil {
			ranges = append(ranges, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		parsed, err := netip.ParsePrefix(text)
		if err != nil || parsed != parsed.Masked() {
			return nil, fmt.Errorf("%q is no range of addresses: want one such as 127.0.0.0/8", text)
		}
		ranges = append(ranges, parsed)
	}
	return ranges, nil
}
