// SPDX-License-Identifier: Apache-2.0

package network

import (
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/dhcp"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/leases"
)

// guest is an interface that is connected.
type guest struct {
	lease leases.Lease
	offer dhcp.Offer
	// name is the machine's, with its namespace. It is nobody else's.
	name string
	// aliases are further names; others may have the same.
	aliases []string
}

// guests are the interfaces that are connected, as DHCP and DNS ask for them.
type guests struct {
	mu      sync.RWMutex
	byKey   map[leases.Key]*guest
	byMAC   map[string]*guest
	byName  map[string][]*guest
	byAlias map[string][]*guest
	byIP    map[netip.Addr]*guest
}

func newGuests() *guests {
	return &guests{
		byKey: map[leases.Key]*guest{}, byMAC: map[string]*guest{},
		byName: map[string][]*guest{}, byAlias: map[string][]*guest{}, byIP: map[netip.Addr]*guest{},
	}
}

func (g *guests) put(added *guest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(added.lease.Key())
	if before := g.byMAC[added.lease.MAC]; before != nil {
		g.drop(before.lease.Key()) // the same interface, when its instance had another owner
	}
	g.byKey[added.lease.Key()], g.byMAC[added.lease.MAC], g.byIP[added.lease.Address] = added, added, added
	g.byName[added.name] = append(g.byName[added.name], added)
	for _, alias := range added.aliases {
		g.byAlias[alias] = append(g.byAlias[alias], added)
	}
}

func (g *guests) remove(key leases.Key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(key)
}

func (g *guests) drop(key leases.Key) {
	gone := g.byKey[key]
	if gone == nil {
		return
	}
	delete(g.byKey, key)
	delete(g.byMAC, gone.lease.MAC)
	delete(g.byIP, gone.lease.Address)
	without(g.byName, gone.name, gone)
	for _, alias := range gone.aliases {
		without(g.byAlias, alias, gone)
	}
}

func without(index map[string][]*guest, name string, gone *guest) {
	var left []*guest
	for _, other := range index[name] {
		if other != gone {
			left = append(left, other)
		}
	}
	if left == nil {
		delete(index, name)
		return
	}
	index[name] = left
}

// offer is a dhcp.Lookup.
func (g *guests) offer(mac net.HardwareAddr) (dhcp.Offer, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	found := g.byMAC[mac.String()]
	if found == nil {
		return dhcp.Offer{}, false
	}
	return found.offer, true
}

// Addresses implements dns.Names. A machine's own name comes before a hostname that another has chosen.
func (g *guests) Addresses(name string) []netip.Addr {
	g.mu.RLock()
	defer g.mu.RUnlock()
	named := g.byName[name]
	if named == nil {
		named = g.byAlias[name]
	}
	var addresses []netip.Addr
	for _, guest := range named {
		addresses = append(addresses, guest.lease.Address)
	}
	return addresses
}

// Name implements dns.Names.
func (g *guests) Name(address netip.Addr) string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if found := g.byIP[address]; found != nil {
		return found.name
	}
	return ""
}

func join(labels ...string) string { return strings.ToLower(strings.Join(labels, ".")) }
