// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// addressed is an instance whose first interface has an address, as its status says.
func addressed(ip string) *kubevirtv1.VirtualMachineInstance {
	vmi := instance()
	vmi.Spec.Domain.Devices.Interfaces = []kubevirtv1.Interface{{Name: "default"}}
	vmi.Status.Interfaces = []kubevirtv1.VirtualMachineInstanceNetworkInterface{{Name: "default", IP: ip}}
	return vmi
}

// newLoopback is a Local whose guests are on loopback.
func newLoopback(maxSessions int) *Local { return NewLocal(newFakeLauncher(), asItSays, maxSessions) }

// asItSays is a network that gave each guest what its status says.
func asItSays(vmi *kubevirtv1.VirtualMachineInstance) map[string]netip.Addr {
	addresses := map[string]netip.Addr{}
	for _, iface := range vmi.Status.Interfaces {
		if address, err := netip.ParseAddr(iface.IP); err == nil {
			addresses[iface.Name] = address
		}
	}
	return addresses
}

func listen(t *testing.T) (*net.TCPListener, uint16) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.(*net.TCPListener), uint16(listener.Addr().(*net.TCPAddr).Port)
}

// forwarded is a client's end of a port that is forwarded through a server.
func forwarded(t *testing.T, local *Local, stream string) *Socket {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open := func(ctx context.Context) (net.Conn, error) { return local.Open(ctx, addressed("127.0.0.1"), stream) }
		Serve(w, r, open, func(err error) { http.Error(w, err.Error(), http.StatusInternalServerError) })
	}))
	t.Cleanup(server.Close)
	socket, err := Dial(t.Context(), server.URL, server.Client())
	require.NoError(t, err)
	t.Cleanup(socket.drop)
	return socket
}

func TestPortCarriesBytesBothWays(t *testing.T) {
	noLeaks(t)
	listener, port := listen(t)
	client := forwarded(t, newLoopback(4), PortForward(port, TCP))
	guest, err := listener.Accept()
	require.NoError(t, err)
	defer guest.Close()
	for _, way := range []struct {
		to   io.Writer
		from io.Reader
	}{{client, guest}, {guest, client}} {
		sent := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
		go func() { _, _ = way.to.Write(sent) }()
		got := make([]byte, len(sent))
		_, err := io.ReadFull(way.from, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(sent, got))
	}
}

func TestGuestGetsAllThatItsClientSentBeforeLeaving(t *testing.T) {
	noLeaks(t)
	listener, port := listen(t)
	client := forwarded(t, newLoopback(4), PortForward(port, TCP))
	guest, err := listener.Accept()
	require.NoError(t, err)
	defer guest.Close()
	// What nobody will read would make an ordinary close cut the connection off.
	_, err = guest.Write([]byte("unread"))
	require.NoError(t, err)
	sent := strings.Repeat("x", 256<<10)
	_, err = io.WriteString(client, sent)
	require.NoError(t, err)
	require.NoError(t, client.Close())
	got, err := io.ReadAll(guest)
	require.NoError(t, err, "the connection was reset")
	assert.Len(t, got, len(sent))
}

func TestClientGetsAllThatTheGuestSentBeforeClosing(t *testing.T) {
	noLeaks(t)
	listener, port := listen(t)
	client := forwarded(t, newLoopback(4), PortForward(port, TCP))
	guest, err := listener.Accept()
	require.NoError(t, err)
	sent := strings.Repeat("x", 256<<10)
	_, err = io.WriteString(guest, sent)
	require.NoError(t, err)
	require.NoError(t, guest.Close())
	got, err := io.ReadAll(client)
	require.NoError(t, err)
	assert.Len(t, got, len(sent))
}

// echoDatagrams answers each datagram with itself.
func echoDatagrams(t *testing.T) (net.PacketConn, uint16) {
	t.Helper()
	guest, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = guest.Close() })
	go func() {
		buffer := make([]byte, datagramSize)
		for {
			n, from, err := guest.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = guest.WriteTo(buffer[:n], from)
		}
	}()
	return guest, uint16(guest.LocalAddr().(*net.UDPAddr).Port)
}

func TestDatagramIsAMessage(t *testing.T) {
	noLeaks(t)
	_, port := echoDatagrams(t)
	client := forwarded(t, newLoopback(4), PortForward(port, UDP))
	client.datagrams = true
	buffer := make([]byte, datagramSize)
	for _, size := range []int{1, 512, 1400, 9000, 60000} {
		sent := bytes.Repeat([]byte{byte(size)}, size)
		_, err := client.Write(sent)
		require.NoError(t, err)
		n, err := client.Read(buffer)
		require.NoError(t, err)
		require.True(t, bytes.Equal(sent, buffer[:n]), "%d bytes came back of %d", n, size)
	}
	_, err := client.Write(make([]byte, datagramSize))
	require.NoError(t, err)
	_, err = client.Read(buffer)
	assert.ErrorContains(t, err, "a datagram has less than 65536 bytes")
}

func TestDatagramsKeepTheirBoundariesAcrossTheHop(t *testing.T) {
	noLeaks(t)
	h := newHop(t, 4)
	_, port := echoDatagrams(t)
	h.known = addressed("127.0.0.1")
	conn, err := h.dialer.Open(t.Context(), instance(), PortForward(port, UDP))
	require.NoError(t, err)
	defer conn.Close()
	buffer := make([]byte, datagramSize)
	for _, size := range []int{60000, 1, 20000} {
		_, err := conn.Write(make([]byte, size))
		require.NoError(t, err)
		n, err := conn.Read(buffer)
		require.NoError(t, err)
		assert.Equal(t, size, n)
	}
}

func TestDatagramsOutliveAPortThatNobodyListensOn(t *testing.T) {
	guest, port := echoDatagrams(t)
	require.NoError(t, guest.Close())
	conn, err := newLoopback(4).Open(t.Context(), addressed("127.0.0.1"), PortForward(port, UDP))
	require.NoError(t, err)
	defer conn.Close()
	for range 3 { // the news of one may come with the next
		_, err = conn.Write([]byte("anybody?"))
		require.NoError(t, err)
	}
	guest, err = net.ListenPacket("udp", guest.LocalAddr().String())
	require.NoError(t, err)
	defer guest.Close()
	_, err = conn.Write([]byte("hello"))
	require.NoError(t, err)
	require.NoError(t, guest.SetReadDeadline(time.Now().Add(patience)))
	_, from, err := guest.ReadFrom(make([]byte, 16))
	require.NoError(t, err)
	_, err = guest.WriteTo([]byte("yes"), from)
	require.NoError(t, err)
	answer := make([]byte, 16)
	n, err := conn.Read(answer)
	require.NoError(t, err)
	assert.Equal(t, "yes", string(answer[:n]))
}

func TestPortIsRefusedWithACode(t *testing.T) {
	listener, closed := listen(t)
	require.NoError(t, listener.Close())
	for name, test := range map[string]struct {
		vmi    *kubevirtv1.VirtualMachineInstance
		stream string
		code   int32
		text   string
	}{
		"no interface":       {instance(), PortForward(22, TCP), 400, "no network interfaces are present"},
		"no address":         {addressed(""), PortForward(22, TCP), 400, `the interface "default" has no address at which the node reaches the guest`},
		"port 0":             {addressed("127.0.0.1"), "portforward/0/tcp", 400, "port must be from 1 to 65535"},
		"no port":            {addressed("127.0.0.1"), "portforward/ssh/tcp", 400, "port must be from 1 to 65535"},
		"no protocol":        {addressed("127.0.0.1"), "portforward/22", 400, "names no port"},
		"unknown protocol":   {addressed("127.0.0.1"), "portforward/22/unix", 400, "protocol must be tcp or udp"},
		"nobody listens":     {addressed("127.0.0.1"), PortForward(closed, TCP), 500, "dialing VM"},
		"an address of IPv6": {addressed("::1"), PortForward(closed, TCP), 500, "dialing VM: dial tcp [::1]"},
	} {
		t.Run(name, func(t *testing.T) {
			local := newLoopback(4)
			_, err := local.Open(t.Context(), test.vmi, test.stream)
			requireStatus(t, err, test.code)
			assert.ErrorContains(t, err, test.text)
			assert.Empty(t, local.sessions.open, "a refused stream keeps no place")
		})
	}
}

func TestAddressThatOnlyTheGuestClaimsIsNotDialled(t *testing.T) {
	_, port := listen(t)
	local := NewLocal(newFakeLauncher(), func(*kubevirtv1.VirtualMachineInstance) map[string]netip.Addr { return nil }, 4)
	_, err := local.Open(t.Context(), addressed("127.0.0.1"), PortForward(port, TCP))
	requireStatus(t, err, http.StatusBadRequest)
	assert.ErrorContains(t, err, "it is not on the node's guest network")
}

func TestPortsOfOneGuestAreCapped(t *testing.T) {
	_, port := listen(t)
	local := newLoopback(maxBeside + 8)
	for range maxBeside {
		conn, err := local.Open(t.Context(), addressed("127.0.0.1"), PortForward(port, TCP))
		require.NoError(t, err)
		defer conn.Close()
	}
	_, err := local.Open(t.Context(), addressed("127.0.0.1"), PortForward(port, TCP))
	requireStatus(t, err, http.StatusServiceUnavailable)
	assert.ErrorContains(t, err, "all 64 forwarded connections of vm are in use")
	other := addressed("127.0.0.1")
	other.Name = "other"
	conn, err := local.Open(t.Context(), other, PortForward(port, TCP))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func TestScreenThatIsInUseIsKeptForItsUser(t *testing.T) {
	launcher := newFakeLauncher()
	local := NewLocal(launcher, asItSays, 4)
	first, err := local.Open(t.Context(), instance(), VNCIfFree)
	require.NoError(t, err)
	_, err = local.Open(t.Context(), instance(), VNCIfFree)
	requireStatus(t, err, http.StatusServiceUnavailable)
	assert.False(t, first.(*session).isTaken())
	second, err := local.Open(t.Context(), instance(), VNC)
	require.NoError(t, err)
	assert.True(t, first.(*session).isTaken())
	require.NoError(t, second.Close())
	third, err := local.Open(t.Context(), instance(), VNCIfFree)
	require.NoError(t, err)
	require.NoError(t, third.Close())
}
