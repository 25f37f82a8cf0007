// SPDX-License-Identifier: Apache-2.0

package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/netutil"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/pace"
)

const (
	// maxForwarded queries are with the host's resolvers at one time, and maxForwardedEach of one guest's.
	maxForwarded     = 128
	maxForwardedEach = 32
	// What goes wrong for a guest is logged so many times at once, and then once in each interval.
	logBurst, logInterval = 4, time.Minute
	// maxConnections are open at one time.
	maxConnections = 64
	// idle is how long a connection may be silent.
	idle = 5 * time.Second
	// patience is how long a query may take.
	patience = 10 * time.Second
)

// Config is what a server needs.
type Config struct {
	// Gateway is the address that guests ask, with its network.
	Gateway netip.Prefix
	Names   Names
	// ResolvConf is the file that names the host's resolvers.
	ResolvConf string
	// Port is 53 where it is 0.
	Port uint16
}

// Server answers guests on UDP and TCP.
type Server struct {
	config   Config
	upstream *upstream
	forwards *shares
	logged   *pace.Pace[netip.Addr]
	ctx      context.Context

	packets  net.PacketConn
	listener net.Listener
}

// Listen returns a server, which Run runs.
func Listen(config Config) (*Server, error) {
	if config.Port == 0 {
		config.Port = 53
	}
	address := netip.AddrPortFrom(config.Gateway.Addr(), config.Port).String()
	packets, err := net.ListenPacket("udp4", address)
	if err != nil {
		return nil, fmt.Errorf("listen for DNS: %w", err)
	}
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		_ = packets.Close()
		return nil, fmt.Errorf("listen for DNS: %w", err)
	}
	return &Server{
		config: config, upstream: &upstream{file: config.ResolvConf}, forwards: newShares(maxForwarded, maxForwardedEach),
		logged:  pace.New[netip.Addr](logInterval, logBurst),
		packets: packets, listener: netutil.LimitListener(listener, maxConnections),
	}, nil
}

// Close ends a server that does not run.
func (s *Server) Close() error { return errors.Join(s.packets.Close(), s.listener.Close()) }

// Run answers until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.ctx = ctx
	servers := []*dns.Server{
		{PacketConn: s.packets, Handler: s},
		{Listener: s.listener, Handler: s, IdleTimeout: func() time.Duration { return idle }, ReadTimeout: idle},
	}
	ended := make(chan error, len(servers))
	for _, server := range servers {
		go func() { ended <- server.ActivateAndServe() }()
	}
	var failure error
	left := len(servers)
	select {
	case <-ctx.Done():
	case failure = <-ended:
		left--
		failure = fmt.Errorf("serve DNS: %w", failure)
	}
	_ = s.Close()
	for range left {
		<-ended
	}
	return failure
}

// ServeDNS implements dns.Handler.
func (s *Server) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	answer := s.answer(query, transport(w), guestOf(w))
	if transport(w) == "udp" {
		size := dns.MinMsgSize
		if extension := query.IsEdns0(); extension != nil {
			size = max(size, min(int(extension.UDPSize()), 1232))
		}
		answer.Truncate(size)
	}
	if err := w.WriteMsg(answer); err != nil {
		klog.FromContext(s.ctx).V(4).Info("Can't send a DNS answer", "to", w.RemoteAddr(), "err", err)
	}
}

// guestOf is the address that asks, which the network's filter holds a guest to.
func guestOf(w dns.ResponseWriter) netip.Addr {
	from, err := netip.ParseAddrPort(w.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}

func transport(w dns.ResponseWriter) string { return w.RemoteAddr().Network() }

func (s *Server) answer(query *dns.Msg, network string, guest netip.Addr) *dns.Msg {
	if query.Opcode != dns.OpcodeQuery || len(query.Question) != 1 || query.Question[0].Qclass != dns.ClassINET {
		return new(dns.Msg).SetRcode(query, dns.RcodeNotImplemented)
	}
	if answer := own(query, s.config.Names, s.config.Gateway.Masked()); answer != nil {
		return answer
	}
	if !s.forwards.take(guest) {
		return new(dns.Msg).SetRcode(query, dns.RcodeServerFailure)
	}
	defer s.forwards.give(guest)
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	answer, err := s.upstream.ask(ctx, query, network)
	if err != nil {
		if s.logged.Allow(guest) {
			klog.FromContext(s.ctx).V(2).Info("The host's resolvers do not answer", "guest", guest, "name", strings.ToValidUTF8(query.Question[0].Name, "?"), "err", err)
		}
		return new(dns.Msg).SetRcode(query, dns.RcodeServerFailure)
	}
	answer.Id = query.Id
	return foreign(answer, s.config.Gateway.Masked())
}
