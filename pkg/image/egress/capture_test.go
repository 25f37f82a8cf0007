// SPDX-License-Identifier: Apache-2.0

package egress_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// capture is all that leaves the namespace of the test, and what it says to itself.
type capture struct {
	t      *testing.T
	socket int
}

func newCapture(t *testing.T) *capture {
	t.Helper()
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(all))
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(socket) })
	require.NoError(t, unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20}))
	require.NoError(t, unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20))
	return &capture{t, socket}
}

// destinations are those of all packets since the last call, also of those that only ask who has an address.
func (c *capture) destinations() map[netip.Addr]bool {
	c.t.Helper()
	mark := netip.MustParseAddr("192.0.2.200")
	conn, err := net.Dial("udp", mark.String()+":9")
	require.NoError(c.t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("mark"))
	require.NoError(c.t, err)
	found, frame := map[netip.Addr]bool{}, make([]byte, 128<<10)
	for {
		n, from, err := unix.Recvfrom(c.socket, frame, 0)
		require.NoError(c.t, err, "the capture misses its end")
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || link.Pkttype != unix.PACKET_OUTGOING {
			continue
		}
		for _, to := range destinationsOf(binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, link.Protocol)), frame[:n]) {
			if to == mark {
				return found
			}
			found[to] = true
		}
	}
}

func destinationsOf(protocol uint16, packet []byte) []netip.Addr {
	switch {
	case protocol == unix.ETH_P_IP && len(packet) >= 20:
		return []netip.Addr{netip.AddrFrom4([4]byte(packet[16:20]))}
	case protocol == unix.ETH_P_ARP && len(packet) >= 28:
		return []netip.Addr{netip.AddrFrom4([4]byte(packet[24:28]))}
	case protocol == unix.ETH_P_IPV6 && len(packet) >= 64 && packet[6] == unix.IPPROTO_ICMPV6 && packet[40] == 135:
		return []netip.Addr{netip.AddrFrom16([16]byte(packet[48:64]))}
	case protocol == unix.ETH_P_IPV6 && len(packet) >= 40:
		return []netip.Addr{netip.AddrFrom16([16]byte(packet[24:40]))}
	}
	return nil
}
