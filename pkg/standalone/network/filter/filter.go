// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/leases"
)

// Guest is an interface of a guest.
type Guest struct {
	Tap     string
	MAC     net.HardwareAddr
	Address netip.Addr
	// Ports that it can be reached at; all, where there are none.
	Ports []leases.Port
}

func (g *Guest) equal(other *Guest) bool {
	return g.Tap == other.Tap && slices.Equal(g.MAC, other.MAC) && g.Address == other.Address && slices.Equal(g.Ports, other.Ports)
}

// Filter is the filter of one bridge. It is safe for concurrent use.
type Filter struct {
	bridge  string
	prefix  string
	gateway netip.Prefix
	guard   *guard
	router  *router

	mu     sync.Mutex
	guests map[string]Guest
}

// New returns the filter of the bridge; Reset makes it. The taps of guests, and no other devices, have names
// that begin with prefix.
func New(bridge, prefix string, gateway netip.Prefix) *Filter {
	return &Filter{
		bridge: bridge, prefix: prefix, gateway: gateway,
		guard: newGuard(bridge), router: newRouter(bridge),
		guests: map[string]Guest{},
	}
}

// Reset replaces all rules of the bridge by those for the guests, in one step: at no moment is there no filter.
func (f *Filter) Reset(guests []Guest) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("reach nftables: %w", err)
	}
	f.deleteTables(conn)
	if err := f.guard.declare(conn, f.prefix, guests); err != nil {
		return fmt.Errorf("declare the filter of %s's ports: %w", f.bridge, err)
	}
	if err := f.router.declare(conn, f.bridge, f.gateway, guests); err != nil {
		return fmt.Errorf("declare the filter of %s: %w", f.bridge, err)
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("filter %s by nftables: %w", f.bridge, err)
	}
	clear(f.guests)
	for _, guest := range guests {
		f.guests[guest.Tap] = guest
	}
	return nil
}

// deleteTables adds them first, so that there is something to delete.
func (f *Filter) deleteTables(conn *nftables.Conn) {
	for _, table := range []*nftables.Table{f.guard.table, f.router.table} {
		conn.AddTable(table)
		conn.DelTable(table)
	}
}

// Add lets the guest send, and be reached.
func (f *Filter) Add(guest Guest) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, known := f.guests[guest.Tap]
	if known && before.equal(&guest) {
		return nil
	}
	err := f.change(func(conn *nftables.Conn) error {
		if known {
			if err := errors.Join(f.guard.remove(conn, before), f.router.remove(conn, before)); err != nil {
				return err
			}
		}
		return errors.Join(f.guard.add(conn, guest), f.router.add(conn, guest))
	})
	if err != nil {
		return fmt.Errorf("let the guest at %s through: %w", guest.Tap, err)
	}
	f.guests[guest.Tap] = guest
	return nil
}

// Remove lets the guest at the tap send no more.
func (f *Filter) Remove(tap string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	guest, known := f.guests[tap]
	if !known {
		return nil
	}
	err := f.change(func(conn *nftables.Conn) error {
		return errors.Join(f.guard.remove(conn, guest), f.router.remove(conn, guest))
	})
	if err != nil {
		return fmt.Errorf("shut the guest at %s out: %w", tap, err)
	}
	delete(f.guests, tap)
	return nil
}

func (f *Filter) change(change func(*nftables.Conn) error) error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	if err := change(conn); err != nil {
		return err
	}
	return conn.Flush()
}

// Delete removes all rules of the bridge.
func (f *Filter) Delete() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.change(func(conn *nftables.Conn) error {
		f.deleteTables(conn)
		return nil
	})
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove the rules of %s: %w", f.bridge, err)
	}
	clear(f.guests)
	return nil
}
