// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// bufferSize of each direction, which is also the largest message sent.
	bufferSize = 16 << 10
	// datagramSize is more than any UDP datagram has.
	datagramSize = 64 << 10
	// pingInterval is below the idle limit of any proxy that carries WebSockets.
	pingInterval = 10 * time.Second
)

// Bridge copies between a client's socket and the guest's stream until one of them ends or ctx is done,
// then closes both. It returns why it ended: nil when the client left, io.EOF when the guest's side ended,
// or the error of either, of which the client has been told.
//
// Neither side is read faster than the other takes it. All that was read is delivered before the close: a
// guest's side that takes no more is still read to its end.
//
// Pings keep proxies on the way from calling the connection idle, and find a client that is gone. An
// answer is not insisted on: a client that was stopped for an hour may go on.
func Bridge(ctx context.Context, socket *Socket, conn io.ReadWriteCloser) error {
	size := bufferSize
	if socket.datagrams {
		size = datagramSize
	}
	pinging, stopPinging := context.WithCancel(ctx)
	fromClient, fromGuest, lost := make(chan error, 1), make(chan error, 1), make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { fromClient <- relay(&fuse{Writer: conn, blow: func() {}}, socket, size) })
	running.Go(func() { fromGuest <- relay(&fuse{Writer: socket, blow: socket.drop}, conn, size) })
	running.Go(func() { socket.keepAlive(pinging, lost) })

	var why, told error
	select {
	case told = <-fromClient:
		why = leaving(told)
	case why = <-fromGuest:
		told = why
	case <-lost:
		// A guest that takes no input had kept the socket from being read, which also says how it ended.
		_ = conn.Close()
		socket.drop()
		why = leaving(<-fromClient)
	case <-ctx.Done():
		why, told = context.Cause(ctx), ErrStopping
	}
	stopPinging()
	_ = conn.Close()
	_ = socket.end(told)
	running.Wait()
	return why
}

// leaving is how a session ended by its client: that it left is no fault.
func leaving(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// relay copies pieces of at most size bytes until src or dst gives an error, and returns it.
func relay(dst io.Writer, src io.Reader, size int) error {
	buffer := make([]byte, size)
	for {
		n, err := src.Read(buffer)
		if n > 0 {
			if _, err := dst.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// fuse is a writer that drops everything after its first error, of which it tells once. What feeds it is
// read on, for that also says when and why a side ends.
type fuse struct {
	io.Writer
	blow  func()
	blown bool
}

func (f *fuse) Write(p []byte) (int, error) {
	if f.blown {
		return len(p), nil
	}
	if _, err := f.Writer.Write(p); err != nil {
		f.blown = true
		f.blow()
	}
	return len(p), nil
}

// keepAlive pings an idle connection until ctx is done, or the connection is gone, of which it tells. One
// that carries data is not idle, and a ping behind data that the client does not take would break it: the
// library gives a ping some seconds to be written.
func (s *Socket) keepAlive(ctx context.Context, lost chan<- struct{}) {
	ticker := time.NewTicker(s.pingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if wrote := s.wrote.Swap(false); wrote || s.writing.Load() {
			continue
		}
		if s.ping() != nil {
			close(lost)
			return
		}
	}
}

// ping is not bound to a context of its caller: one that ends while the ping is written would break the
// connection. It returns when the socket is closed. That no answer came is no error.
func (s *Socket) ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.pingInterval)
	defer cancel()
	err := s.ws.Ping(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
