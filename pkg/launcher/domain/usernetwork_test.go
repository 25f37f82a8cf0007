// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUserNetworkLeadsNowhere is the guest itself: it sends frames, which no kernel of a guest has a say in, to the
// network that a domain is given, and looks whether one of them reached the loopback of the host.
func TestUserNetworkLeadsNowhere(t *testing.T) {
	built, err := Build(inputFor(t, "testdata/minimal.yaml", false))
	require.NoError(t, err)
	require.Len(t, built.QEMUCommandline.Args, 2)
	require.Equal(t, "-netdev", built.QEMUCommandline.Args[0].Value)
	network := built.QEMUCommandline.Args[1].Value

	closed := startNetwork(t, network)
	open := startNetwork(t, strings.Replace(network, "restrict=on,", "", 1))
	for _, to := range []net.IP{net.IPv4(10, 0, 2, 2), net.IPv4(10, 0, 2, 3), net.IPv4(10, 0, 2, 77), net.IPv4(127, 0, 0, 1)} {
		assert.False(t, closed.connects(t, to), to)
	}
	assert.True(t, open.connects(t, net.IPv4(10, 0, 2, 2)), "such a frame does reach the loopback where that is not closed")
}

// userNetwork is one of QEMU's without a machine, and a wire to it.
type userNetwork struct {
	wire *net.UDPConn
	peer *net.UDPAddr
	mac  net.HardwareAddr
}

func startNetwork(t *testing.T, network string) *userNetwork {
	t.Helper()
	n := &userNetwork{wire: listenUDP(t), mac: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	free := listenUDP(t)
	n.peer = free.LocalAddr().(*net.UDPAddr)
	require.NoError(t, free.Close())
	id, _, _ := strings.Cut(strings.TrimPrefix(network, "user,id="), ",")
	qemu := exec.Command("qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display", "none",
		"-netdev", network, "-netdev", "hubport,id=one,hubid=0,netdev="+id,
		"-netdev", fmt.Sprintf("socket,id=wire,udp=%s,localaddr=%s", n.wire.LocalAddr(), n.peer),
		"-netdev", "hubport,id=two,hubid=0,netdev=wire")
	qemu.Stderr = os.Stderr
	require.NoError(t, qemu.Start())
	t.Cleanup(func() {
		_ = qemu.Process.Kill()
		_ = qemu.Wait()
	})
	n.await(t)
	return n
}

func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// connects says whether a request for a connection to an address reaches a port of the loopback.
func (n *userNetwork) connects(t *testing.T, to net.IP) bool {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer listener.Close()
	from := net.IPv4(10, 0, 2, 15)
	segment := binary.BigEndian.AppendUint16(nil, 40000)
	segment = binary.BigEndian.AppendUint16(segment, uint16(listener.Addr().(*net.TCPAddr).Port))
	segment = append(segment, 0, 0, 0, 1, 0, 0, 0, 0, 5<<4, 2 /* SYN */, 0xff, 0xff, 0, 0, 0, 0)
	pseudo := append(append(slices.Clone(from.To4()), to.To4()...), 0, 6, 0, byte(len(segment)))
	binary.BigEndian.PutUint16(segment[16:], checksum(append(pseudo, segment...)))
	_, err = n.wire.WriteToUDP(n.frame(6, from, to, segment), n.peer)
	require.NoError(t, err)
	n.await(t)
	require.NoError(t, listener.SetDeadline(time.Now().Add(10*time.Millisecond)))
	conn, err := listener.Accept()
	if err != nil {
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		return false
	}
	require.NoError(t, conn.Close())
	return true
}

// await asks for an address by DHCP until it is told one. What was sent before has been dealt with then.
func (n *userNetwork) await(t *testing.T) {
	t.Helper()
	discovery, err := dhcpv4.NewDiscovery(n.mac)
	require.NoError(t, err)
	message := discovery.ToBytes()
	datagram := []byte{0, dhcpv4.ClientPort, 0, dhcpv4.ServerPort}
	datagram = binary.BigEndian.AppendUint16(datagram, uint16(8+len(message)))
	datagram = append(append(datagram, 0, 0), message...)
	frame := n.frame(17, net.IPv4zero, net.IPv4bcast, datagram)
	buffer := make([]byte, 2048)
	require.Eventually(t, func() bool {
		if _, err := n.wire.WriteToUDP(frame, n.peer); err != nil {
			return false
		}
		_ = n.wire.SetReadDeadline(time.Now().Add(time.Second))
		for {
			size, err := n.wire.Read(buffer)
			if err != nil {
				return false // not there yet
			}
			if bytes.Contains(buffer[:size], discovery.TransactionID[:]) {
				return true
			}
		}
	}, time.Minute, 10*time.Millisecond)
}

// frame is an Ethernet frame with an IPv4 packet.
func (n *userNetwork) frame(protocol byte, from, to net.IP, payload []byte) []byte {
	header := []byte{0x45, 0}
	header = binary.BigEndian.AppendUint16(header, uint16(20+len(payload)))
	header = append(header, 0, 1, 0, 0, 64, protocol, 0, 0)
	header = append(append(header, from.To4()...), to.To4()...)
	binary.BigEndian.PutUint16(header[10:], checksum(header))
	frame := append(net.HardwareAddr{0x52, 0x55, 10, 0, 2, 2}, n.mac...)
	frame = append(frame, 8, 0)
	return append(append(frame, header...), payload...)
}

// checksum is the Internet's, of an even number of bytes.
func checksum(data []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(data); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(data[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
