// SPDX-License-Identifier: Apache-2.0

package dhcp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/link"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/networktest"
)

func TestMain(m *testing.M) { os.Exit(networktest.Main(m)) }

var (
	gateway = netip.MustParsePrefix("10.77.0.1/24")
	known   = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	offer   = Offer{
		Address: netip.MustParseAddr("10.77.0.9"), Hostname: "web", Domain: "shop.vm.internal",
		Nameservers: []netip.Addr{gateway.Addr()}, Searches: []string{"shop.vm.internal", "vm.internal"},
		BootFile: "boot.ipxe", TFTPServer: "tftp.example", NTPServers: []netip.Addr{netip.MustParseAddr("10.1.1.1")},
		Private: map[uint8]string{240: "secret"},
	}
)

func lookup(mac net.HardwareAddr) (Offer, bool) { return offer, mac.String() == known.String() }

// guest is a neighbour on a bridge on which a server runs.
func guest(t *testing.T, mac net.HardwareAddr) *networktest.Namespace {
	t.Helper()
	bridge := link.Bridge{Name: "testbr", Gateway: gateway}
	require.NoError(t, bridge.Ensure())
	t.Cleanup(func() { require.NoError(t, bridge.Remove()) })
	namespace := networktest.New(t)
	namespace.Connect("vtest1", mac)
	require.NoError(t, bridge.EnsureTap(link.Tap{Name: "vtest1"}))
	server, err := Listen(bridge.Name, gateway, lookup)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return namespace
}

func client(t *testing.T, in *networktest.Namespace, mac net.HardwareAddr, timeout time.Duration) *nclient4.Client {
	t.Helper()
	var client *nclient4.Client
	in.Do(func() (err error) {
		client, err = nclient4.New(networktest.Device, nclient4.WithHWAddr(mac), nclient4.WithTimeout(timeout), nclient4.WithRetry(3))
		return err
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestAGuestIsToldItsAddressAndAllThatGoesWithIt(t *testing.T) {
	in := guest(t, known)
	lease, err := client(t, in, known, 5*time.Second).Request(t.Context(),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionDNSDomainSearchList, dhcpv4.OptionNTPServers))
	require.NoError(t, err)
	ack := lease.ACK
	assert.Equal(t, "10.77.0.9", ack.YourIPAddr.String())
	assert.Equal(t, "10.77.0.1", ack.Router()[0].String())
	assert.Equal(t, "10.77.0.1", ack.DNS()[0].String())
	assert.Equal(t, net.CIDRMask(24, 32), ack.SubnetMask())
	assert.Equal(t, "web", ack.HostName())
	assert.Equal(t, "shop.vm.internal", ack.DomainName())
	assert.Equal(t, offer.Searches, ack.DomainSearch().Labels)
	assert.Equal(t, "boot.ipxe", ack.BootFileNameOption())
	assert.Equal(t, "tftp.example", ack.TFTPServerName())
	assert.Equal(t, "10.1.1.1", ack.NTPServers()[0].String())
	assert.Equal(t, []byte("secret"), ack.GetOneOption(dhcpv4.GenericOptionCode(240)))
	assert.Equal(t, []byte{255, 255, 255, 255}, ack.GetOneOption(dhcpv4.OptionIPAddressLeaseTime), "for good")
}

func TestNobodyElseIsToldAnything(t *testing.T) {
	stranger := net.HardwareAddr{2, 0, 0, 0, 0, 2}
	in := guest(t, stranger)
	_, err := client(t, in, stranger, 200*time.Millisecond).DiscoverOffer(t.Context())
	require.ErrorIs(t, err, nclient4.ErrNoResponse)
}

func request(t *testing.T, modifiers ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	message, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(known), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest)}, modifiers...)...)
	require.NoError(t, err)
	return message
}

func TestARequestForAnAddressOfBeforeIsRefused(t *testing.T) {
	for name, message := range map[string]*dhcpv4.DHCPv4{
		"asked for":  request(t, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.IPv4(10, 0, 0, 1)))),
		"in use":     request(t, dhcpv4.WithClientIP(net.IPv4(10, 0, 0, 1))),
		"not at all": request(t),
	} {
		answer, err := reply(message, gateway, lookup)
		require.NoError(t, err, name)
		assert.Equal(t, dhcpv4.MessageTypeNak, answer.MessageType(), name)
	}
	answer, err := reply(request(t, dhcpv4.WithClientIP(net.IPv4(10, 77, 0, 9))), gateway, lookup)
	require.NoError(t, err)
	assert.Equal(t, dhcpv4.MessageTypeAck, answer.MessageType())
}

func TestWhatIsNotForUsIsNotAnswered(t *testing.T) {
	for name, message := range map[string]*dhcpv4.DHCPv4{
		"another server": request(t, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(10, 0, 0, 1)))),
		"a release":      request(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeRelease)),
		"an answer":      request(t, func(d *dhcpv4.DHCPv4) { d.OpCode = dhcpv4.OpcodeBootReply }),
		"no MAC address": request(t, dhcpv4.WithHwAddr(nil)),
	} {
		answer, err := reply(message, gateway, lookup)
		require.NoError(t, err, name)
		assert.Nil(t, answer, name)
	}
}

// sent counts what a server writes.
type sent struct {
	net.PacketConn
	count int
}

func (s *sent) WriteTo(p []byte, _ net.Addr) (int, error) {
	s.count++
	return len(p), nil
}

func TestAFloodIsNeitherAnsweredNorLogged(t *testing.T) {
	conn := &sent{}
	server := newServer(gateway, lookup, conn)
	var said atomic.Int32
	ctx := klog.NewContext(t.Context(), funcr.New(func(string, string) { said.Add(1) }, funcr.Options{Verbosity: 2}))
	message, err := dhcpv4.NewDiscovery(known)
	require.NoError(t, err)
	stranger, err := dhcpv4.NewDiscovery(net.HardwareAddr{2, 0, 0, 0, 0, 2})
	require.NoError(t, err)
	for range 10 * answerBurst {
		server.answer(ctx, stranger.ToBytes(), nil)
	}
	assert.Zero(t, conn.count)
	assert.Zero(t, said.Load())
	for range 100 * answerBurst {
		server.answer(ctx, message.ToBytes(), nil)
	}
	assert.GreaterOrEqual(t, conn.count, answerBurst)
	assert.Less(t, conn.count, 50*answerBurst)
	assert.GreaterOrEqual(t, said.Load(), int32(logBurst))
	assert.Less(t, said.Load(), int32(answerBurst))
}

func FuzzReply(f *testing.F) {
	message, err := dhcpv4.NewDiscovery(known)
	require.NoError(f, err)
	f.Add(message.ToBytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		request, err := dhcpv4.FromBytes(raw)
		if err != nil {
			return
		}
		if answer, err := reply(request, gateway, lookup); err == nil && answer != nil {
			require.NotEmpty(t, answer.ToBytes())
		}
	})
}
