// SPDX-License-Identifier: Apache-2.0

package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/pace"
)

const (
	// maxRequest is the largest request that is read.
	maxRequest = 1500
	// retry is after how long reading is tried again where it failed.
	retry = time.Second
	// A guest is answered so many times at once, and then once in each interval; a client asks a handful of times.
	answerBurst, answerInterval = 32, time.Second / 4
	// What is done for a guest is logged so many times at once, and then once in each interval.
	logBurst, logInterval = 4, time.Minute
)

// Server answers on one device. Requests are answered one after the other: an answer takes microseconds, and
// guests that flood the server make neither it nor its log larger.
type Server struct {
	gateway netip.Prefix
	lookup  Lookup
	conn    net.PacketConn
	// answers and logged are kept by MAC address, of guests alone.
	answers, logged *pace.Pace[string]
}

// Listen returns a server on the device, whose address is gateway.
func Listen(device string, gateway netip.Prefix, lookup Lookup) (*Server, error) {
	conn, err := server4.NewIPv4UDPConn(device, &net.UDPAddr{IP: net.IPv4zero, Port: dhcpv4.ServerPort})
	if err != nil {
		return nil, fmt.Errorf("listen for DHCP on %s: %w", device, err)
	}
	return newServer(gateway, lookup, conn), nil
}

func newServer(gateway netip.Prefix, lookup Lookup, conn net.PacketConn) *Server {
	return &Server{
		gateway: gateway, lookup: lookup, conn: conn,
		answers: pace.New[string](answerInterval, answerBurst), logged: pace.New[string](logInterval, logBurst),
	}
}

// Run answers until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	defer stop()
	buffer := make([]byte, maxRequest)
	for {
		n, peer, err := s.conn.ReadFrom(buffer)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("read DHCP requests: %w", err)
		}
		if err != nil {
			klog.FromContext(ctx).Error(err, "Can't read DHCP requests, trying again")
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(retry):
			}
			continue
		}
		s.answer(ctx, buffer[:n], peer)
	}
}

// Close ends a server that does not run.
func (s *Server) Close() error { return s.conn.Close() }

func (s *Server) answer(ctx context.Context, raw []byte, peer net.Addr) {
	logger := klog.FromContext(ctx)
	request, err := dhcpv4.FromBytes(raw)
	if err != nil {
		logger.V(4).Info("No DHCP request", "from", peer, "err", err)
		return
	}
	if _, known := s.lookup(request.ClientHWAddr); !known {
		logger.V(4).Info("Not a guest's request", "mac", request.ClientHWAddr, "type", request.MessageType())
		return
	}
	mac := request.ClientHWAddr.String()
	if !s.answers.Allow(mac) {
		return
	}
	answer, err := reply(request, s.gateway, s.lookup)
	if err == nil && answer == nil {
		logger.V(4).Info("Nothing to answer", "mac", mac, "type", request.MessageType())
		return
	}
	if err == nil {
		err = s.send(request, answer)
	}
	if !s.logged.Allow(mac) {
		return
	}
	if err != nil {
		logger.Error(err, "Can't answer a guest by DHCP", "mac", mac)
		return
	}
	logger.V(2).Info("Answered by DHCP", "type", answer.MessageType(), "mac", mac, "address", answer.YourIPAddr)
}

func (s *Server) send(request, answer *dhcpv4.DHCPv4) error {
	// A guest without an address is not found by one; one that has its address asks from it.
	to := &net.UDPAddr{IP: net.IPv4bcast, Port: dhcpv4.ClientPort}
	if !request.ClientIPAddr.IsUnspecified() && answer.MessageType() == dhcpv4.MessageTypeAck {
		to.IP = request.ClientIPAddr
	}
	_, err := s.conn.WriteTo(answer.ToBytes(), to)
	return err
}
