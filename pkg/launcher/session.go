// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"io"
	"net"
	"sync"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// seat is taken by one session at a time; a newer session takes it over.
type seat struct {
	mu      sync.Mutex
	current *session
}

type session struct {
	end  context.CancelFunc
	done chan struct{}
}

// take ends the session that has the seat, waits until its device is free, and returns a context that ends
// when the next session comes. leave must be called once the device is free again.
func (s *seat) take(ctx context.Context) (taken context.Context, leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	next := &session{end: cancel, done: make(chan struct{})}
	s.mu.Lock()
	last := s.current
	s.current = next
	s.mu.Unlock()
	if last != nil {
		last.end()
		<-last.done
	}
	return ctx, func() {
		cancel()
		close(next.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.current == next {
			s.current = nil
		}
	}
}

// Stream is a device of a guest to connect to.
type Stream string

// The streams of a guest.
const (
	StreamConsole Stream = "console"
	StreamVNC     Stream = "vnc"
)

// Connect joins the client that accept returns to a device of the guest until either side ends or a newer
// session takes the device over. accept is called once the device is connected, where nothing can fail any more.
func (m *Manager) Connect(ctx context.Context, target api.Target, stream Stream, accept func() (io.ReadWriteCloser, error)) error {
	g, open, err := m.device(target, stream)
	if err != nil {
		return err
	}
	ctx, leave := g.seat(stream).take(ctx)
	defer leave()
	device, err := open()
	if err != nil {
		return m.refused("connect to the "+string(stream)+" of "+target.Namespace+"/"+target.Name, err)
	}
	defer device.Close()
	client, err := accept()
	if err != nil {
		return err
	}
	join(ctx, client, device)
	return nil
}

// device returns how to open a stream of a guest that runs.
func (m *Manager) device(target api.Target, stream Stream) (*guest, func() (net.Conn, error), error) {
	g, err := m.acquireTarget(target)
	if err != nil {
		return nil, nil, err
	}
	defer g.mu.Unlock()
	key := keyOf(&g.record)
	if !g.power.Active() || g.facts == nil {
		return nil, nil, &api.Error{Reason: api.ErrorNotRunning, Message: key.String() + " does not run"}
	}
	if stream == StreamVNC {
		if !g.facts.Graphics {
			return nil, nil, &api.Error{Reason: api.ErrorInvalid, Message: key.String() + " has no graphics device"}
		}
		return g, func() (net.Conn, error) { return m.hypervisor.OpenScreen(g.Ref) }, nil
	}
	socket := g.facts.ConsoleSocket
	if socket == "" {
		return nil, nil, &api.Error{Reason: api.ErrorInvalid, Message: key.String() + " has no serial console"}
	}
	return g, func() (net.Conn, error) { return net.Dial("unix", socket) }, nil
}

func (g *guest) seat(stream Stream) *seat {
	if stream == StreamVNC {
		return &g.screen
	}
	return &g.console
}

// join copies between client and device until either ends or ctx does, and closes both.
func join(ctx context.Context, client, device io.ReadWriteCloser) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var copies sync.WaitGroup
	copies.Go(func() {
		_, _ = io.Copy(device, client)
		cancel()
	})
	copies.Go(func() {
		_, _ = io.Copy(client, device)
		cancel()
	})
	<-ctx.Done()
	_ = client.Close()
	_ = device.Close()
	copies.Wait()
}
