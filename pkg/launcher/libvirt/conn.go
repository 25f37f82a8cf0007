// SPDX-License-Identifier: Apache-2.0

package libvirt

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"libvirt.org/go/libvirt"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher"
)

const (
	// keepAliveInterval in seconds, and how many answers may be missing until libvirt counts as hung.
	keepAliveInterval = 5
	keepAliveCount    = 3
	// maxSlow is how many starts and stops go on at a time; each has a connection of its own, because
	// libvirt does only a few things at once for one connection.
	maxSlow = 32
	// maxAsked is how many agents are asked at a time: libvirt serves no more for one connection, and has
	// some twenty workers for all. A guest that does not answer occupies one.
	maxAsked = 5
)

// Options of a Conn.
type Options struct {
	// URI such as qemu:///system.
	URI string
	// Owner is the launcher whose domains there are.
	Owner string
	// Recover is called when libvirt can't be reached, to bring it back; may be nil.
	Recover func(ctx context.Context) error
	Log     *slog.Logger
}

// Conn is a connection to libvirt. It implements launcher.Hypervisor and launcher.KVMProber.
type Conn struct {
	options Options
	slow    chan struct{}
	asked   chan struct{}

	mu      sync.Mutex
	current *libvirt.Connect
	// agents is a connection for what guests may keep waiting.
	agents     *libvirt.Connect
	connection launcher.Connection
}

var (
	_ launcher.Hypervisor = (*Conn)(nil)
	_ launcher.KVMProber  = (*Conn)(nil)
)

// New returns a connection that is not up yet; see Run.
func New(options Options) *Conn {
	return &Conn{
		options:    options,
		slow:       make(chan struct{}, maxSlow),
		asked:      make(chan struct{}, maxAsked),
		connection: launcher.Connection{Message: "libvirt is being connected to; try again"},
	}
}

// Run keeps the connection up until ctx ends.
func (c *Conn) Run(ctx context.Context, watcher Watcher) {
	backoff := newBackoff()
	for ctx.Err() == nil {
		lost, err := c.connect(watcher)
		if err != nil {
			c.down(ctx, err)
			select {
			case <-ctx.Done():
			case <-time.After(backoff.Step()):
			}
			continue
		}
		backoff = newBackoff()
		c.options.Log.InfoContext(ctx, "connected to libvirt", "version", c.Connection().Version)
		watcher.Connected()
		select {
		case <-ctx.Done():
		case <-lost:
			c.options.Log.WarnContext(ctx, "lost the connection to libvirt")
		}
		c.disconnect()
	}
}

func newBackoff() *wait.Backoff {
	return &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 7, Cap: 10 * time.Second}
}

// connect returns a channel that is closed when the connection is lost.
func (c *Conn) connect(watcher Watcher) (<-chan struct{}, error) {
	conn, err := libvirt.NewConnect(c.options.URI)
	if err != nil {
		return nil, err
	}
	lost, err := c.listen(conn, watcher)
	if err != nil {
		_, _ = conn.Close()
		return nil, err
	}
	version, err := conn.GetLibVersion()
	if err != nil {
		_, _ = conn.Close()
		return nil, err
	}
	agents, err := c.connectAgain()
	if err != nil {
		_, _ = conn.Close()
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current, c.agents = conn, agents
	c.connection = launcher.Connection{
		Up:      true,
		Version: fmt.Sprintf("%d.%d.%d", version/1_000_000, version/1000%1000, version%1000),
	}
	return lost, nil
}

// connectAgain returns one more connection, which nobody listens to.
func (c *Conn) connectAgain() (*libvirt.Connect, error) {
	conn, err := libvirt.NewConnect(c.options.URI)
	if err != nil {
		return nil, err
	}
	if err := conn.SetKeepAlive(keepAliveInterval, keepAliveCount); err != nil {
		_, _ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// down notes why libvirt can't be reached and tries to bring it back.
func (c *Conn) down(ctx context.Context, err error) {
	message := fmt.Sprintf("libvirt does not answer at %s: %s; %s", c.options.URI, text(err), remedy())
	c.mu.Lock()
	changed := c.connection.Message != message
	c.connection = launcher.Connection{Message: message}
	c.mu.Unlock()
	if changed {
		c.options.Log.WarnContext(ctx, "can't connect", "error", message)
	}
	if c.options.Recover == nil {
		return
	}
	if err := c.options.Recover(ctx); err != nil {
		c.options.Log.WarnContext(ctx, "can't start libvirt", "error", err)
	}
}

func (c *Conn) disconnect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.current.Close()
	_, _ = c.agents.Close()
	c.current, c.agents = nil, nil
	c.connection = launcher.Connection{Message: "the connection to libvirt was lost; it is tried again"}
}

// Connection says how the connection is doing.
func (c *Conn) Connection() launcher.Connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connection
}

// use has do work on the connection, which stays valid meanwhile.
func (c *Conn) use(do func(*libvirt.Connect) error) error {
	return c.hold(func() *libvirt.Connect { return c.current }, do)
}

// hold has do work on the connection that pick returns, which stays valid meanwhile.
func (c *Conn) hold(pick func() *libvirt.Connect, do func(*libvirt.Connect) error) error {
	c.mu.Lock()
	conn := pick()
	if conn == nil {
		c.mu.Unlock()
		return launcher.ErrUnavailable
	}
	err := conn.Ref()
	c.mu.Unlock()
	if err != nil {
		return translate(err)
	}
	defer conn.Close()
	return translate(do(conn))
}

// useSlow has do work on a connection of its own.
func (c *Conn) useSlow(do func(*libvirt.Connect) error) error {
	if !c.Connection().Up {
		return launcher.ErrUnavailable
	}
	c.slow <- struct{}{}
	defer func() { <-c.slow }()
	conn, err := c.connectAgain()
	if err != nil {
		return fmt.Errorf("%w: %s", launcher.ErrUnavailable, text(err))
	}
	defer conn.Close()
	return translate(do(conn))
}
