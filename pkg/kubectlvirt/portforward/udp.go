// SPDX-License-Identifier: Apache-2.0

package portforward

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxDatagram is more than any UDP datagram has.
	maxDatagram = 64 << 10
	// maxPeers have a connection to the guest at a time, each with queueLength datagrams that wait at most:
	// what comes beyond is lost, as UDP may.
	maxPeers    = 128
	queueLength = 32
	// idleTime ends the connection of a peer that sends nothing, and gets nothing.
	idleTime = 2 * time.Minute
)

// udpPeers are those who sent datagrams to a local port.
type udpPeers struct {
	conn *net.UDPConn
	idle time.Duration

	mu    sync.Mutex
	peers map[netip.AddrPort]*udpPeer
}

// serveUDP forwards the datagrams of each peer as a connection of its own until ctx ends.
func (o *Options) serveUDP(ctx context.Context, conn *net.UDPConn, port port) error {
	var connections sync.WaitGroup
	defer connections.Wait()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	all := &udpPeers{conn: conn, idle: idleTime, peers: map[netip.AddrPort]*udpPeer{}}
	defer all.close()
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			_ = conn.Close()
			return unlessDone(ctx, err)
		}
		peer, isNew := all.get(from)
		if peer == nil {
			continue
		}
		peer.offer(buffer[:n])
		if isNew {
			connections.Go(func() { o.forward(ctx, peer, port) })
		}
	}
}

// get returns the peer at an address, or nil where there are too many.
func (all *udpPeers) get(from netip.AddrPort) (peer *udpPeer, isNew bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if peer := all.peers[from]; peer != nil {
		return peer, false
	}
	if len(all.peers) >= maxPeers {
		return nil, false
	}
	peer = &udpPeer{all: all, address: from, queue: make(chan []byte, queueLength), closed: make(chan struct{})}
	peer.timer = time.AfterFunc(all.idle, func() { _ = peer.Close() })
	all.peers[from] = peer
	return peer, true
}

func (all *udpPeers) close() {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, peer := range all.peers {
		peer.end()
	}
}

// udpPeer is one peer as a connection, of which each read and each write is a datagram.
type udpPeer struct {
	all     *udpPeers
	address netip.AddrPort
	queue   chan []byte
	timer   *time.Timer
	once    sync.Once
	closed  chan struct{}
}

var _ io.ReadWriteCloser = (*udpPeer)(nil)

// offer queues a datagram, or loses it.
func (p *udpPeer) offer(datagram []byte) {
	p.timer.Reset(p.all.idle)
	select {
	case p.queue <- append([]byte(nil), datagram...):
	default:
	}
}

// Read implements io.Reader.
func (p *udpPeer) Read(buffer []byte) (int, error) {
	select {
	case datagram := <-p.queue:
		return copy(buffer, datagram), nil
	case <-p.closed:
		return 0, io.EOF
	}
}

// Write implements io.Writer.
func (p *udpPeer) Write(datagram []byte) (int, error) {
	p.timer.Reset(p.all.idle)
	return p.all.conn.WriteToUDPAddrPort(datagram, p.address)
}

// Close forgets the peer.
func (p *udpPeer) Close() error {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	if p.all.peers[p.address] == p {
		delete(p.all.peers, p.address)
	}
	p.end()
	return nil
}

func (p *udpPeer) end() {
	p.once.Do(func() {
		p.timer.Stop()
		close(p.closed)
	})
}
