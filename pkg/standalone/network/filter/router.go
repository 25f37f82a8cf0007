// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// linkLocal is where clouds keep the credentials of the machines that they rent out; no router forwards to it.
var linkLocal = netip.MustParsePrefix("169.254.0.0/16")

// router is the table on what is routed: between guests, outwards, and to the host itself.
type router struct {
	table *nftables.Table
	// limited are the addresses of guests that name their ports.
	limited *nftables.Set
	// open are those ports: address, protocol, number.
	open *nftables.Set
}

func newRouter(name string) *router {
	table := &nftables.Table{Name: name, Family: nftables.TableFamilyIPv4}
	return &router{
		table:   table,
		limited: &nftables.Set{Table: table, Name: "limited", KeyType: nftables.TypeIPAddr},
		open: &nftables.Set{
			Table: table, Name: "open", Concatenation: true,
			KeyType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService),
		},
	}
}

// declare adds the table to a batch.
func (r *router) declare(conn *nftables.Conn, bridge string, gateway netip.Prefix, guests []Guest) error {
	conn.AddTable(r.table)
	for _, set := range []*nftables.Set{r.limited, r.open} {
		if err := conn.AddSet(set, nil); err != nil {
			return err
		}
	}
	for _, guest := range guests {
		if err := r.add(conn, guest); err != nil {
			return err
		}
	}
	r.declareGuest(conn)
	r.declareForward(conn, bridge)
	r.declareInput(conn, bridge, gateway.Addr())
	output := r.base(conn, "output", nftables.ChainTypeFilter, nftables.ChainHookOutput, nftables.ChainPriorityFilter)
	// Guests do reach one another by way of the host only.
	r.rule(conn, output, to(bridge), icmp(icmpRedirect), drop())
	r.rule(conn, output, to(bridge), jump("guest"))
	translate := r.base(conn, "postrouting", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource)
	r.rule(conn, translate, sourceIn(gateway), notTo(bridge), match{&expr.Masq{}})
	return nil
}

// declareGuest makes the chain that what is on its way to a guest passes.
func (r *router) declareGuest(conn *nftables.Conn) {
	chain := conn.AddChain(&nftables.Chain{Table: r.table, Name: "guest"})
	r.rule(conn, chain, known(), accept())
	address := load(expr.PayloadBaseNetworkHeader, ipDestination, 4, reg32)
	r.rule(conn, chain, match{address, &expr.Lookup{SourceRegister: reg32, SetName: r.limited.Name, SetID: r.limited.ID, Invert: true}}, accept())
	r.rule(conn, chain, icmp(icmpEchoRequest), accept())
	r.rule(conn, chain, in(r.open, address, &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg32 + 1},
		load(expr.PayloadBaseTransportHeader, portDestination, 2, reg32+2)), accept())
	r.rule(conn, chain, drop())
}

func (r *router) declareForward(conn *nftables.Conn, bridge string) {
	chain := r.base(conn, "forward", nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter)
	r.rule(conn, chain, from(bridge), to(bridge), jump("guest"))
	r.rule(conn, chain, from(bridge), destinationIn(linkLocal), drop())
	r.rule(conn, chain, from(bridge), accept())
	r.rule(conn, chain, to(bridge), known(), accept())
	r.rule(conn, chain, to(bridge), drop())
}

func (r *router) declareInput(conn *nftables.Conn, bridge string, gateway netip.Addr) {
	chain := r.base(conn, "input", nftables.ChainTypeFilter, nftables.ChainHookInput, nftables.ChainPriorityFilter)
	// Neighbours of the host shall not find its DNS.
	r.rule(conn, chain, notFrom(bridge), notFrom("lo"), destination(gateway), drop())
	r.rule(conn, chain, from(bridge), known(), accept())
	r.rule(conn, chain, from(bridge), protocol(unix.IPPROTO_UDP), port(67), accept())
	r.rule(conn, chain, from(bridge), destination(gateway), protocol(unix.IPPROTO_UDP), port(53), accept())
	r.rule(conn, chain, from(bridge), destination(gateway), protocol(unix.IPPROTO_TCP), port(53), accept())
	r.rule(conn, chain, from(bridge), destination(gateway), icmp(icmpEchoRequest), accept())
	r.rule(conn, chain, from(bridge), drop())
}

func (r *router) base(conn *nftables.Conn, name string, kind nftables.ChainType, hook *nftables.ChainHook, priority *nftables.ChainPriority) *nftables.Chain {
	return conn.AddChain(&nftables.Chain{Table: r.table, Name: name, Type: kind, Hooknum: hook, Priority: priority})
}

func (r *router) rule(conn *nftables.Conn, chain *nftables.Chain, matches ...match) {
	conn.AddRule(&nftables.Rule{Table: r.table, Chain: chain, Exprs: all(matches...)})
}

func (r *router) add(conn *nftables.Conn, guest Guest) error {
	if len(guest.Ports) == 0 {
		return nil
	}
	if err := conn.SetAddElements(r.limited, []nftables.SetElement{{Key: guest.Address.AsSlice()}}); err != nil {
		return err
	}
	return conn.SetAddElements(r.open, r.elements(guest))
}

func (r *router) remove(conn *nftables.Conn, guest Guest) error {
	if len(guest.Ports) == 0 {
		return nil
	}
	if err := conn.SetDeleteElements(r.limited, []nftables.SetElement{{Key: guest.Address.AsSlice()}}); err != nil {
		return err
	}
	return conn.SetDeleteElements(r.open, r.elements(guest))
}

func (r *router) elements(guest Guest) []nftables.SetElement {
	elements := make([]nftables.SetElement, 0, len(guest.Ports))
	for _, port := range guest.Ports {
		number := byte(unix.IPPROTO_TCP)
		if port.UDP {
			number = unix.IPPROTO_UDP
		}
		key := append(guest.Address.AsSlice(), number, 0, 0, 0)
		key = append(key, binaryutil.BigEndian.PutUint16(port.Number)...)
		elements = append(elements, nftables.SetElement{Key: append(key, 0, 0)})
	}
	return elements
}
