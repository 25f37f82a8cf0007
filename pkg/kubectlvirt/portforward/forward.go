// SPDX-License-Identifier: Apache-2.0

package portforward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt/machines"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// forwardAll opens all local ports, or none, and serves them until ctx ends.
func (o *Options) forwardAll(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer cancel(nil)
	for _, port := range o.ports {
		serve, local, err := o.listen(port)
		if err != nil {
			return err
		}
		serving.Go(func() { cancel(serve(ctx)) })
		fmt.Fprintf(o.streams.Out, "Forwarding from %s/%s -> %d\n", port.protocol, local, port.remote)
	}
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// listen opens the local port and returns what serves it.
func (o *Options) listen(port port) (serve func(context.Context) error, local net.Addr, err error) {
	at := netip.AddrPortFrom(o.address, port.local)
	if port.protocol == streams.UDP {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return nil, nil, occupied(port, err)
		}
		return func(ctx context.Context) error { return o.serveUDP(ctx, conn, port) }, conn.LocalAddr(), nil
	}
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return nil, nil, occupied(port, err)
	}
	return func(ctx context.Context) error { return o.serveTCP(ctx, listener, port) }, listener.Addr(), nil
}

func occupied(port port, err error) error {
	return &machines.Hinted{Err: fmt.Errorf("open the local port: %w", err), Hints: []string{
		fmt.Sprintf("Take another one: LOCAL:%d; or any free one: :%d", port.remote, port.remote),
	}}
}

// serveTCP forwards each connection until ctx ends.
func (o *Options) serveTCP(ctx context.Context, listener net.Listener, port port) error {
	var connections sync.WaitGroup
	defer connections.Wait()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	for {
		conn, err := listener.Accept()
		if err != nil {
			_ = listener.Close()
			return unlessDone(ctx, err)
		}
		connections.Go(func() { o.forward(ctx, conn, port) })
	}
}

// forward joins conn to the guest's port and closes it.
func (o *Options) forward(ctx context.Context, conn io.ReadWriteCloser, port port) {
	defer conn.Close()
	socket, err := o.open(ctx, port)
	if err == nil {
		err = streams.Bridge(ctx, socket, conn)
	}
	if err != nil && err != io.EOF && ctx.Err() == nil {
		o.complain(port, err)
	}
}

// unlessDone is err, where it is not what the end of ctx brought about.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
