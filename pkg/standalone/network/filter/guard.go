// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// guard is the table on the bridge's ports: a guest sends from the addresses that it was given.
type guard struct {
	table *nftables.Table
	// senders are taps with the MAC address and the IP address that are behind each.
	senders *nftables.Set
	// cards are taps with the MAC address that is behind each.
	cards *nftables.Set
}

func newGuard(name string) *guard {
	table := &nftables.Table{Name: name, Family: nftables.TableFamilyBridge}
	return &guard{
		table: table,
		senders: &nftables.Set{
			Table: table, Name: "senders", Concatenation: true,
			KeyType: nftables.MustConcatSetType(nftables.TypeIFName, nftables.TypeEtherAddr, nftables.TypeIPAddr),
		},
		cards: &nftables.Set{
			Table: table, Name: "cards", Concatenation: true,
			KeyType: nftables.MustConcatSetType(nftables.TypeIFName, nftables.TypeEtherAddr),
		},
	}
}

// declare adds the table to a batch. Devices that begin with prefix are guests'; what is not of a known one is
// dropped, and so is IPv6, of which the network has none.
func (g *guard) declare(conn *nftables.Conn, prefix string, guests []Guest) error {
	conn.AddTable(g.table)
	for _, set := range []*nftables.Set{g.senders, g.cards} {
		if err := conn.AddSet(set, nil); err != nil {
			return err
		}
	}
	for _, guest := range guests {
		if err := g.add(conn, guest); err != nil {
			return err
		}
	}
	ports := conn.AddChain(&nftables.Chain{
		Table: g.table, Name: "ports", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw,
	})
	sender := conn.AddChain(&nftables.Chain{Table: g.table, Name: "sender"})
	rule := func(chain *nftables.Chain, matches ...match) {
		conn.AddRule(&nftables.Rule{Table: g.table, Chain: chain, Exprs: all(matches...)})
	}
	rule(ports, fromPrefix(prefix), jump(sender.Name))
	rule(sender, etherType(unix.ETH_P_IP), in(g.senders, tap(), etherSourceField(), load(expr.PayloadBaseNetworkHeader, ipSource, 4, reg32+6)), accept())
	// A guest that asks for its address has none yet.
	rule(sender, etherType(unix.ETH_P_IP), source(netip.IPv4Unspecified()), protocol(unix.IPPROTO_UDP), port(67),
		in(g.cards, tap(), etherSourceField()), accept())
	rule(sender, etherType(unix.ETH_P_ARP), in(g.cards, tap(), etherSourceField()), in(g.senders, tap(), arpMAC(), arpIP()), accept())
	// One that asks whether its address is taken does not name it as its own.
	rule(sender, etherType(unix.ETH_P_ARP), in(g.cards, tap(), etherSourceField()), in(g.cards, tap(), arpMAC()),
		compare(load(expr.PayloadBaseNetworkHeader, arpSourceIP, 4, register), expr.CmpOpEq, netip.IPv4Unspecified().AsSlice()), accept())
	rule(sender, drop())
	return nil
}

// The fields of a key: a device's name takes four registers, a MAC address two.
func tap() expr.Any { return &expr.Meta{Key: expr.MetaKeyIIFNAME, Register: reg32} }

func etherSourceField() expr.Any {
	return load(expr.PayloadBaseLLHeader, etherSource, 6, reg32+4)
}

func arpMAC() expr.Any { return load(expr.PayloadBaseNetworkHeader, arpSourceMAC, 6, reg32+4) }

func arpIP() expr.Any { return load(expr.PayloadBaseNetworkHeader, arpSourceIP, 4, reg32+6) }

func (g *guard) add(conn *nftables.Conn, guest Guest) error {
	sender, card := keys(guest)
	if err := conn.SetAddElements(g.senders, []nftables.SetElement{{Key: sender}}); err != nil {
		return err
	}
	return conn.SetAddElements(g.cards, []nftables.SetElement{{Key: card}})
}

func (g *guard) remove(conn *nftables.Conn, guest Guest) error {
	sender, card := keys(guest)
	if err := conn.SetDeleteElements(g.senders, []nftables.SetElement{{Key: sender}}); err != nil {
		return err
	}
	return conn.SetDeleteElements(g.cards, []nftables.SetElement{{Key: card}})
}

// keys are a guest's in the two sets; each field fills whole registers.
func keys(guest Guest) (sender, card []byte) {
	card = append(device(guest.Tap), guest.MAC...)
	card = append(card, 0, 0)
	return append(append([]byte{}, card...), guest.Address.AsSlice()...), card
}
