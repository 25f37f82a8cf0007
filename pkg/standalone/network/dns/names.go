// SPDX-License-Identifier: Apache-2.0

package dns

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Domain is what guests' names end with; it is nobody's on the Internet.
const Domain = "vm.internal"

// Names knows guests.
type Names interface {
	// Addresses returns those of the guest of that name, in lower case and without Domain, such as web.shop.
	Addresses(name string) []netip.Addr
	// Name returns the name of the guest with that address, or "".
	Name(address netip.Addr) string
}

// seconds that an answer may be kept: a machine may be made anew at any time.
const seconds = 5

// own answers what is of guests: names below Domain, and the addresses of their network. It returns nil where others are
// to be asked. No name of a guest is one without Domain: machine "pkg" in namespace "go" is not pkg.go.
func own(query *dns.Msg, names Names, network netip.Prefix) *dns.Msg {
	question := query.Question[0]
	name := canonical(question.Name)
	if address, ok := reverse(name); ok && network.Contains(address) {
		return pointer(query, names.Name(address))
	}
	if !isOurs(name) {
		return nil
	}
	addresses := names.Addresses(strings.TrimSuffix(name, "."+Domain))
	answer := new(dns.Msg).SetReply(query)
	answer.Authoritative, answer.RecursionAvailable = true, true
	if len(addresses) == 0 && name != Domain {
		answer.Rcode = dns.RcodeNameError
	}
	if question.Qtype != dns.TypeA && question.Qtype != dns.TypeANY {
		return answer
	}
	for _, address := range addresses {
		answer.Answer = append(answer.Answer, &dns.A{
			Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: seconds},
			A:   address.AsSlice(),
		})
	}
	return answer
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func isOurs(name string) bool { return name == Domain || strings.HasSuffix(name, "."+Domain) }

// foreign takes from an answer of others what only this server may say: records of guests' names and addresses.
func foreign(answer *dns.Msg, network netip.Prefix) *dns.Msg {
	ours := func(record dns.RR) bool {
		name := canonical(record.Header().Name)
		address, ok := reverse(name)
		return isOurs(name) || ok && network.Contains(address)
	}
	answer.Answer = slices.DeleteFunc(answer.Answer, ours)
	answer.Ns = slices.DeleteFunc(answer.Ns, ours)
	answer.Extra = slices.DeleteFunc(answer.Extra, ours)
	return answer
}

func pointer(query *dns.Msg, name string) *dns.Msg {
	answer := new(dns.Msg).SetReply(query)
	answer.Authoritative, answer.RecursionAvailable = true, true
	switch {
	case name == "":
		answer.Rcode = dns.RcodeNameError
	case query.Question[0].Qtype == dns.TypePTR:
		answer.Answer = []dns.RR{&dns.PTR{
			Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: seconds},
			Ptr: dns.Fqdn(name + "." + Domain),
		}}
	}
	return answer
}

// reverse reads the name under which an IPv4 address is looked up.
func reverse(name string) (netip.Addr, bool) {
	text, ok := strings.CutSuffix(name, ".in-addr.arpa")
	labels := strings.Split(text, ".")
	if !ok || len(labels) != 4 {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(strings.Join([]string{labels[3], labels[2], labels[1], labels[0]}, "."))
	return address, err == nil
}
