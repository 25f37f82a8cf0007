// SPDX-License-Identifier: Apache-2.0

package egress_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/httpsource"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/oci"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/networktest"
)

const (
	neighbour = "192.0.2.2"
	secret    = "what-nobody-is-told"
)

// refused are addresses that nobody may have us reach.
var refused = []string{
	"127.0.0.1", "127.1.2.3", "0.0.0.0", "192.0.2.1", "192.0.2.255", "169.254.169.254", "224.0.0.1", "255.255.255.255",
	"::1", "::", "fd00:1::1", "ff02::1", "fe80::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
	"64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254",
}

func at(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

// world is a neighbour that serves HTTP, that everything without another way is sent to, and that answers as whatever
// it is asked for.
func world(t *testing.T) *capture {
	t.Helper()
	n := networktest.New(t)
	n.Connect("out", net.HardwareAddr{2, 0, 0, 0, 0, 2})
	for _, args := range [][]string{
		{"address", "replace", "192.0.2.1/24", "dev", "out"},
		{"-6", "address", "replace", "fd00:1::1/64", "dev", "out", "nodad"},
		{"link", "set", "out", "up"},
		{"route", "replace", "default", "via", neighbour},
		{"-6", "route", "replace", "default", "via", "fd00:1::2"},
	} {
		output, err := exec.Command("ip", args...).CombinedOutput()
		require.NoError(t, err, "%v: %s", args, output)
	}
	n.Address(neighbour+"/24", "")
	n.Run("ip", "address", "add", "169.254.169.254/32", "dev", networktest.Device)
	n.Run("ip", "-6", "address", "add", "fd00:1::2/64", "dev", networktest.Device, "nodad")
	var listener net.Listener
	n.Do(func() (err error) {
		listener, err = net.Listen("tcp", ":80")
		return err
	})
	server := &http.Server{Handler: http.HandlerFunc(serveNeighbour)}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return newCapture(t)
}

// serveNeighbour redirects where the path has an address in base 16 of its text, or sends a registry's client there.
func serveNeighbour(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/to/"):
		http.Redirect(w, r, "http://"+r.URL.Query().Get("host")+"/image", http.StatusFound)
	case strings.HasPrefix(r.URL.Path, "/v2/to-"):
		http.Redirect(w, r, "http://"+unhex(r.URL.Path)+"/manifest", http.StatusTemporaryRedirect)
	case strings.HasPrefix(r.URL.Path, "/v2/token-"):
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+unhex(r.URL.Path)+`/token",service="here"`)
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/v2/":
	default:
		_, _ = io.WriteString(w, secret)
	}
}

func unhex(path string) string {
	_, rest, _ := strings.Cut(path, "-")
	digits, _, _ := strings.Cut(rest, "/")
	host, _ := hex.DecodeString(digits)
	return string(host)
}

// ways are those by which somebody may have us connect to a host.
func ways() map[string]func(ctx context.Context, host string, policy egress.Policy) error {
	get := func(ctx context.Context, url string, policy egress.Policy) error {
		body, err := httpsource.Open(ctx, source.HTTP{URL: url}, httpsource.Options{Egress: policy, ResumeDelay: time.Millisecond})
		if err != nil {
			return err
		}
		defer body.Close()
		_, err = io.ReadAll(body)
		return err
	}
	resolve := func(ctx context.Context, image string, policy egress.Policy) error {
		_, err := oci.Resolve(ctx, source.Container{Image: image}, oci.Options{Egress: policy, MaxBytes: 1 << 20, IdleTimeout: 30 * time.Second})
		return err
	}
	return map[string]func(context.Context, string, egress.Policy) error{
		"http": func(ctx context.Context, host string, policy egress.Policy) error {
			return get(ctx, "http://"+host+"/image", policy)
		},
		"https": func(ctx context.Context, host string, policy egress.Policy) error {
			return get(ctx, "https://"+host+"/image", policy)
		},
		"redirect": func(ctx context.Context, host string, policy egress.Policy) error {
			return get(ctx, "http://"+neighbour+"/to/?host="+url.QueryEscape(host), policy)
		},
		"registry": func(ctx context.Context, host string, policy egress.Policy) error {
			return resolve(ctx, host+":80/disks/small:1", policy)
		},
		"registry with a port": func(ctx context.Context, host string, policy egress.Policy) error {
			return resolve(ctx, host+"/disks/small:1", policy)
		},
		"registry that redirects": func(ctx context.Context, host string, policy egress.Policy) error {
			return resolve(ctx, fmt.Sprintf("neighbour.localhost:80/to-%x/small:1", host), policy)
		},
	}
}

func TestNoPacketLeavesForWhatImportsDontReach(t *testing.T) {
	out := world(t)
	answerNames(t)
	for way, reach := range ways() {
		for _, address := range refused {
			if strings.HasPrefix(way, "registry") && way != "registry that redirects" && strings.Contains(address, ":") {
				continue // no reference has such a host
			}
			err := reach(t.Context(), at(address), egress.Policy{})
			require.Error(t, err, "%s to %s", way, address)
			assert.Equal(t, failure.AddressRefused, failure.From(err).Reason, "%s to %s: %v", way, address, err)
			assert.NotContains(t, err.Error(), secret)
		}
	}
	for _, name := range []string{"inside.example", "inside6.example", "metadata.example"} {
		for way, reach := range ways() {
			err := reach(t.Context(), name, egress.Policy{})
			assert.Equal(t, failure.AddressRefused, failure.From(err).Reason, "%s to %s: %v", way, name, err)
		}
	}
	seen := out.destinations()
	require.True(t, seen[netip.MustParseAddr(neighbour)], "the capture sees what leaves")
	for _, address := range refused {
		parsed := netip.MustParseAddr(address)
		assert.False(t, seen[parsed] || seen[parsed.Unmap()], "a packet for %s was sent", address)
	}
}

func TestWhatIsAllowedLeaves(t *testing.T) {
	out := world(t)
	answerNames(t)
	policy := egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("169.254.169.254/32")}}
	require.NoError(t, ways()["http"](t.Context(), "169.254.169.254", policy))
	require.NoError(t, ways()["redirect"](t.Context(), "metadata.example", policy))
	assert.True(t, out.destinations()[netip.MustParseAddr("169.254.169.254")], "the capture would have seen it")
}

func TestAProxyIsNotAskedForWhatImportsDontReach(t *testing.T) {
	world(t)
	answerNames(t)
	for _, host := range []string{"169.254.169.254", "[64:ff9b::127.0.0.1]", "metadata.example", "inside.example"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/image", nil)
		require.NoError(t, err)
		_, err = egress.Policy{}.ProxyBy(func(*http.Request) (*url.URL, error) { return url.Parse("http://" + neighbour) })(req)
		assert.Equal(t, failure.AddressRefused, failure.From(err).Reason, host)
	}
}

// answerNames has names resolved by a server of the test's own.
func answerNames(t *testing.T) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.53:0")
	require.NoError(t, err)
	names := map[string]netip.Addr{
		"inside.example.": netip.MustParseAddr("127.0.0.1"), "inside6.example.": netip.MustParseAddr("::1"),
		"metadata.example.": netip.MustParseAddr("169.254.169.254"), "neighbour.localhost.": netip.MustParseAddr(neighbour),
	}
	go func() {
		request := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(request)
			if err != nil {
				return
			}
			if reply := answerName(request[:n], names); reply != nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 53)}}
		return dialer.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = conn.Close()
	})
}

func answerName(request []byte, names map[string]netip.Addr) []byte {
	var message dnsmessage.Message
	if message.Unpack(request) != nil || len(message.Questions) != 1 {
		return nil
	}
	message.Response, message.Additionals = true, nil
	question := message.Questions[0]
	address, known := names[question.Name.String()]
	header := dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, TTL: 1}
	switch {
	case !known:
		message.RCode = dnsmessage.RCodeNameError
	case address.Is4() && question.Type == dnsmessage.TypeA:
		message.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: address.As4()}}}
	case address.Is6() && question.Type == dnsmessage.TypeAAAA:
		message.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}}}
	}
	reply, err := message.Pack()
	if err != nil {
		return nil
	}
	return reply
}
