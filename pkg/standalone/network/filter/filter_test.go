// SPDX-License-Identifier: Apache-2.0

package filter_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/filter"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/leases"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/link"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/networktest"
)

func TestMain(m *testing.M) { os.Exit(networktest.Main(m)) }

const (
	// refused is how long is waited for what must not come.
	refused = 500 * time.Millisecond
	// patience is how long is waited for what must.
	patience = 10 * time.Second
)

var gateway = netip.MustParsePrefix("10.77.0.1/24")

// world is a bridge with guests, and a neighbour of the host that is no guest.
type world struct {
	t        *testing.T
	bridge   link.Bridge
	filter   *filter.Filter
	outside  *networktest.Namespace
	guests   []*networktest.Namespace
	attached []filter.Guest
}

func newWorld(t *testing.T, ports ...leases.Port) *world {
	t.Helper()
	w := &world{t: t, bridge: link.Bridge{Name: "testbr", Gateway: gateway}}
	require.NoError(t, link.SetForwards(true))
	require.NoError(t, w.bridge.Ensure())
	w.filter = filter.New(w.bridge.Name, "vtest", gateway)
	t.Cleanup(func() {
		require.NoError(t, w.filter.Delete())
		require.NoError(t, w.bridge.Remove())
	})
	for i := 1; i <= 2; i++ {
		mac, err := net.ParseMAC(fmt.Sprintf("02:00:00:00:00:%02x", i))
		require.NoError(t, err)
		guest := filter.Guest{Tap: fmt.Sprint("vtest", i), MAC: mac, Address: netip.MustParseAddr(fmt.Sprint("10.77.0.1", i)), Ports: ports}
		namespace := networktest.New(t)
		namespace.Connect(guest.Tap, mac)
		require.NoError(t, w.bridge.EnsureTap(link.Tap{Name: guest.Tap}))
		namespace.Address(guest.Address.String()+"/24", gateway.Addr().String())
		w.guests, w.attached = append(w.guests, namespace), append(w.attached, guest)
	}
	w.outside = networktest.New(t)
	w.outside.Connect("uplink", nil)
	out, err := exec.Command("sh", "-c", "ip address replace 192.168.99.1/24 dev uplink && ip link set uplink up").CombinedOutput()
	require.NoError(t, err, "%s", out)
	w.outside.Address("192.168.99.2/24", "")
	w.outside.Run("ip", "route", "replace", "10.77.0.0/24", "via", "192.168.99.1")
	require.NoError(t, w.filter.Reset(w.attached))
	return w
}

// serve accepts connections, and gives who was seen to connect.
func serve(t *testing.T, in *networktest.Namespace, address string) <-chan string {
	t.Helper()
	var listener net.Listener
	require.NoError(t, within(in, func() (err error) {
		listener, err = net.Listen("tcp4", address)
		return err
	}))
	t.Cleanup(func() { _ = listener.Close() })
	seen := make(chan string, 16)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
			seen <- host
			_ = conn.Close()
		}
	}()
	return seen
}

func dial(from *networktest.Namespace, address string, limit time.Duration) error {
	return within(from, func() error {
		conn, err := net.DialTimeout("tcp4", address, limit)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// within runs f in a namespace, or on the host, which is the test's process.
func within(namespace *networktest.Namespace, f func() error) error {
	if namespace == nil {
		return f()
	}
	return namespace.Try(f)
}

func TestWhoReachesWhom(t *testing.T) {
	w := newWorld(t)
	outside := serve(t, w.outside, "192.168.99.2:80")
	serve(t, nil, "0.0.0.0:6443")
	serve(t, nil, "10.77.0.1:53")
	serve(t, w.guests[1], "10.77.0.12:80")

	require.NoError(t, dial(w.guests[0], "192.168.99.2:80", patience), "a guest reaches what the host reaches")
	assert.Equal(t, "192.168.99.1", <-outside, "by the host's address")
	require.NoError(t, dial(w.guests[0], "10.77.0.12:80", patience), "a guest reaches another")
	require.NoError(t, dial(nil, "10.77.0.12:80", patience), "the host reaches a guest")
	require.NoError(t, dial(w.guests[0], "10.77.0.1:53", patience), "a guest reaches the host's DNS")

	for _, address := range []string{"10.77.0.1:6443", "192.168.99.1:6443", "127.0.0.1:6443"} {
		require.Error(t, dial(w.guests[0], address, refused), "a guest does not reach a service of the host at %s", address)
	}
	require.Error(t, dial(w.outside, "10.77.0.12:80", refused), "a neighbour of the host does not reach a guest")
	require.Error(t, dial(w.outside, "10.77.0.1:53", refused), "nor the guests' DNS")
	require.NoError(t, dial(w.outside, "192.168.99.1:6443", patience), "what has nothing to do with guests stays as it is")
}

func TestAGuestWithPortsIsReachedAtThoseAlone(t *testing.T) {
	w := newWorld(t, leases.Port{Number: 80}, leases.Port{Number: 81, UDP: true})
	serve(t, w.guests[1], "10.77.0.12:80")
	serve(t, w.guests[1], "10.77.0.12:81")
	for _, from := range []*networktest.Namespace{nil, w.guests[0]} {
		require.NoError(t, dial(from, "10.77.0.12:80", patience))
		require.Error(t, dial(from, "10.77.0.12:81", refused))
	}
	serve(t, w.outside, "192.168.99.2:80")
	require.NoError(t, dial(w.guests[1], "192.168.99.2:80", patience), "it reaches others at any port")

	open := w.attached[1]
	open.Ports = nil
	require.NoError(t, w.filter.Add(open))
	require.NoError(t, dial(w.guests[0], "10.77.0.12:81", patience))
}

func TestAGuestSendsFromItsOwnAddressesAlone(t *testing.T) {
	w := newWorld(t)
	serve(t, w.outside, "192.168.99.2:80")
	guest := w.guests[0]
	own := func() error { return dial(guest, "192.168.99.2:80", patience) }
	spoofed := func() error { return dial(guest, "192.168.99.2:80", refused) }
	require.NoError(t, own())

	guest.Run("ip", "address", "flush", "dev", networktest.Device)
	guest.Address("10.77.0.99/24", gateway.Addr().String())
	require.Error(t, spoofed(), "another IP address")
	guest.Run("ip", "address", "flush", "dev", networktest.Device)
	guest.Address("10.77.0.12/24", gateway.Addr().String())
	require.Error(t, spoofed(), "that of another guest")

	guest.Run("ip", "address", "flush", "dev", networktest.Device)
	guest.Address("10.77.0.11/24", gateway.Addr().String())
	guest.Run("ip", "link", "set", networktest.Device, "address", "02:00:00:00:00:02")
	guest.Run("ip", "route", "replace", "default", "via", gateway.Addr().String())
	require.Error(t, spoofed(), "another MAC address")
	guest.Run("ip", "link", "set", networktest.Device, "address", "02:00:00:00:00:01")
	guest.Run("ip", "route", "replace", "default", "via", gateway.Addr().String())
	require.NoError(t, own())

	require.NoError(t, w.filter.Remove("vtest1"))
	require.Error(t, spoofed(), "a tap that is nobody's")
	require.NoError(t, w.filter.Add(w.attached[0]))
	require.NoError(t, own())
}

func TestResetAndDeleteCanBeRepeated(t *testing.T) {
	w := newWorld(t, leases.Port{Number: 80})
	for range 2 {
		require.NoError(t, w.filter.Reset(w.attached))
		require.NoError(t, w.filter.Add(w.attached[0]))
		require.NoError(t, w.bridge.Ensure())
	}
	for range 2 {
		require.NoError(t, w.filter.Delete())
		require.NoError(t, w.filter.Remove("vtest1"))
	}
	out, err := exec.Command("nft", "list", "tables").CombinedOutput()
	require.NoError(t, err)
	assert.Empty(t, string(out))
	require.NoError(t, w.bridge.Remove())
	require.NoError(t, w.bridge.Remove())
	_, err = netlink.LinkByName("testbr")
	require.Error(t, err)
}
