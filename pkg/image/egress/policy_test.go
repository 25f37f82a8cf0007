// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var own = []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24"), netip.MustParsePrefix("2001:db8::7/64"), netip.MustParsePrefix("10.0.0.1/31")}

func TestWhatImportsDontReach(t *testing.T) {
	t.Parallel()
	for kind, addresses := range map[string][]string{
		"an unspecified address":          {"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"},
		"a loopback address":              {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::127.0.0.1", "64:ff9b:1:7f00:0:100::", "2002:7f00:1::", "::ffff:0:127.0.0.1"},
		"a link-local address":            {"169.254.169.254", "fe80::1", "fe80::1%eth0", "febf::1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254"},
		"a site-local address":            {"fec0::1"},
		"a multicast address":             {"224.0.0.1", "239.1.2.3", "ff02::1", "ff0e::1", "::ffff:224.0.0.1"},
		"a reserved or broadcast address": {"255.255.255.255", "240.0.0.1"},
		"a metadata address":              {"fd00:ec2::254"},
		"an address of this machine":      {"192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "64:ff9b::192.0.2.7", "10.0.0.1"},
		"a broadcast address":             {"192.0.2.255", "::ffff:192.0.2.255"},
		"":                                {"192.0.2.8", "10.0.0.0", "172.16.0.1", "8.8.8.8", "2001:db8::8", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "fd00::1"},
	} {
		for _, address := range addresses {
			assert.Equal(t, kind, Policy{}.refuses(netip.MustParseAddr(address), own), address)
		}
	}
}

func TestWhatTheAdministratorAllowsIsReached(t *testing.T) {
	t.Parallel()
	allow, err := Parse([]string{"127.0.0.0/8", "::1", "192.0.2.7"})
	require.NoError(t, err)
	p := Policy{Allow: allow}
	for _, address := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1", "192.0.2.7"} {
		assert.Empty(t, p.refuses(netip.MustParseAddr(address), own), address)
	}
	for _, address := range []string{"169.254.169.254", "2001:db8::7", "::", "0.0.0.0", "fe80::1"} {
		assert.NotEmpty(t, p.refuses(netip.MustParseAddr(address), own), address)
	}
}

func TestRangesAreParsed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "loopback", "127.0.0.1/8", "127.0.0.0/33", "127.0.0.1:80"} {
		_, err := Parse([]string{text})
		assert.ErrorContains(t, err, "want one such as 127.0.0.0/8", text)
	}
}
