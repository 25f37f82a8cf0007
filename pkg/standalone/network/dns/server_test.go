// SPDX-License-Identifier: Apache-2.0

package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/pace"
)

var gateway = netip.MustParsePrefix("127.0.0.1/24")

// names are one guest, web in the namespace shop.
type names struct{}

func (names) Addresses(name string) []netip.Addr {
	if name == "web.shop" {
		return []netip.Addr{netip.MustParseAddr("127.0.0.9")}
	}
	return nil
}

func (names) Name(address netip.Addr) string {
	if address == netip.MustParseAddr("127.0.0.9") {
		return "web.shop"
	}
	return ""
}

// start runs a server that asks resolver, and returns its address.
func start(t *testing.T, resolver string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(file, []byte(resolver), 0o600))
	var server *Server
	var port uint16
	require.Eventually(t, func() (ok bool) { // TCP's port of the same number may be another's
		port = freePort(t)
		var err error
		server, err = Listen(Config{Gateway: gateway, Names: names{}, ResolvConf: file, Port: port})
		return err == nil
	}, time.Minute, time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return fmt.Sprint("127.0.0.1:", port)
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

func ask(t *testing.T, network, server, name string, kind uint16) *dns.Msg {
	t.Helper()
	client := &dns.Client{Net: network, Timeout: 10 * time.Second}
	answer, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, kind), server)
	require.NoError(t, err)
	return answer
}

func TestGuestsAreFoundByName(t *testing.T) {
	server := start(t, "")
	for _, network := range []string{"udp", "tcp"} {
		for _, name := range []string{"WEB.shop.vm.internal.", "web.shop.vm.internal."} {
			answer := ask(t, network, server, name, dns.TypeA)
			require.Len(t, answer.Answer, 1, name)
			assert.Equal(t, "127.0.0.9", answer.Answer[0].(*dns.A).A.String())
		}
	}
	assert.Empty(t, ask(t, "udp", server, "web.shop.vm.internal.", dns.TypeAAAA).Answer)
	assert.Equal(t, dns.RcodeSuccess, ask(t, "udp", server, "web.shop.vm.internal.", dns.TypeAAAA).Rcode)
	assert.Equal(t, dns.RcodeNameError, ask(t, "udp", server, "none.shop.vm.internal.", dns.TypeA).Rcode)
}

// TestGuestsAnswerForNobodyElse asks for what begins like a guest's name, or is the address of another network. Whoever
// else is asked is not there in the first half, and says too much in the second.
func TestGuestsAnswerForNobodyElse(t *testing.T) {
	alone := start(t, "")
	for _, name := range []string{"web.shop.", "web.shop.internal.", "web.shop.vm.internal.example.", "web.shopvm.internal.", "9.0.1.127.in-addr.arpa."} {
		for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR, dns.TypeANY} {
			answer := ask(t, "udp", alone, name, kind)
			assert.Equal(t, dns.RcodeServerFailure, answer.Rcode, name)
			assert.Empty(t, answer.Answer, name)
		}
	}

	record := func(text string) dns.RR {
		parsed, err := dns.NewRR(text)
		require.NoError(t, err)
		return parsed
	}
	said := foreign(&dns.Msg{
		Answer: []dns.RR{record("www.example. CNAME web.shop.vm.internal."), record("WEB.shop.vm.internal. A 192.0.2.7")},
		Ns:     []dns.RR{record("vm.internal. NS ns.example."), record("example. NS ns.example.")},
		Extra:  []dns.RR{record("9.0.0.127.in-addr.arpa. PTR www.example."), record("ns.example. A 192.0.2.53")},
	}, gateway.Masked())
	assert.Equal(t, "www.example.", said.Answer[0].Header().Name)
	assert.Len(t, said.Answer, 1)
	assert.Equal(t, "example.", said.Ns[0].Header().Name)
	assert.Len(t, said.Ns, 1)
	assert.Equal(t, "ns.example.", said.Extra[0].Header().Name)
	assert.Len(t, said.Extra, 1)
}

func TestAnAddressLeadsToItsName(t *testing.T) {
	server := start(t, "")
	answer := ask(t, "udp", server, "9.0.0.127.in-addr.arpa.", dns.TypePTR)
	require.Len(t, answer.Answer, 1)
	assert.Equal(t, "web.shop.vm.internal.", answer.Answer[0].(*dns.PTR).Ptr)
	assert.Equal(t, dns.RcodeNameError, ask(t, "udp", server, "8.0.0.127.in-addr.arpa.", dns.TypePTR).Rcode)
}

// TestOthersAreAskedForTheRest has the host's resolver on UDP and TCP be one of the test's.
func TestOthersAreAskedForTheRest(t *testing.T) {
	other := &upstream{file: filepath.Join(t.TempDir(), "resolv.conf")}
	_, err := other.resolvers()
	require.Error(t, err)
	require.NoError(t, os.WriteFile(other.file, []byte("nameserver 10.0.0.1\nnameserver 10.0.0.2\n"), 0o600))
	servers, err := other.resolvers()
	require.NoError(t, err)
	assert.Equal(t, []string{"10.0.0.1:53", "10.0.0.2:53"}, servers)

	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	resolver := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		answer := new(dns.Msg).SetReply(query)
		answer.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 7),
		}}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = resolver.ActivateAndServe() }()
	t.Cleanup(func() { _ = packets.Close() })
	other.servers = []string{"127.0.0.1:1", packets.LocalAddr().String()}
	answer, err := other.ask(t.Context(), new(dns.Msg).SetQuestion("example.org.", dns.TypeA), "udp")
	require.NoError(t, err, "the second where the first does not answer")
	assert.Equal(t, "192.0.2.7", answer.Answer[0].(*dns.A).A.String())
}

func TestAFailureOfTheHostsResolversIsTold(t *testing.T) {
	server := start(t, "nameserver 127.0.0.255\n")
	assert.Equal(t, dns.RcodeServerFailure, ask(t, "udp", server, "example.org.", dns.TypeA).Rcode)
}

func TestNoGuestTakesThePlaceOfOthers(t *testing.T) {
	places := newShares(5, 3)
	one, two := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	for range 3 {
		require.True(t, places.take(one))
	}
	assert.False(t, places.take(one), "its share is used up")
	require.True(t, places.take(two))
	require.True(t, places.take(two))
	assert.False(t, places.take(two), "there is no place")
	places.give(one)
	assert.True(t, places.take(two))
	for range 2 {
		places.give(one)
	}
	for range 3 {
		places.give(two)
	}
	assert.Empty(t, places.by)
	assert.Zero(t, places.taken)
}

func TestQueriesThatFailAreLoggedAFewTimes(t *testing.T) {
	var said atomic.Int32
	server := &Server{
		config: Config{Gateway: gateway, Names: names{}}, upstream: &upstream{file: filepath.Join(t.TempDir(), "none")},
		forwards: newShares(maxForwarded, maxForwardedEach), logged: pace.New[netip.Addr](logInterval, logBurst),
		ctx: klog.NewContext(t.Context(), funcr.New(func(string, string) { said.Add(1) }, funcr.Options{Verbosity: 2})),
	}
	for range 1000 {
		answer := server.answer(new(dns.Msg).SetQuestion("example.org.", dns.TypeA), "udp", netip.MustParseAddr("10.0.0.2"))
		require.Equal(t, dns.RcodeServerFailure, answer.Rcode)
	}
	assert.GreaterOrEqual(t, said.Load(), int32(logBurst))
	assert.Less(t, said.Load(), int32(10*logBurst))
}

func FuzzOwn(f *testing.F) {
	f.Add("web.shop.vm.internal.", dns.TypeA)
	f.Add("9.0.0.127.in-addr.arpa.", dns.TypePTR)
	f.Add(".", dns.TypeANY)
	f.Fuzz(func(t *testing.T, name string, kind uint16) {
		answer := own(new(dns.Msg).SetQuestion(name, kind), names{}, gateway)
		if answer != nil {
			_, _ = answer.Pack()
		}
	})
}
