// SPDX-License-Identifier: Apache-2.0

package node

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// infoFromAgent is the source of what the guest's agent told.
const infoFromAgent = "guest-agent"

// mergeInterfaces adds to the interfaces of a domain what the guest tells of them, and those that only the
// guest knows, such as its bridges. The addresses that the domain's side knows come first: they are sure.
func mergeInterfaces(known []kubevirtv1.VirtualMachineInstanceNetworkInterface, told []api.GuestInterface) []kubevirtv1.VirtualMachineInstanceNetworkInterface {
	merged := slices.Clone(known)
	for _, guest := range told {
		i := slices.IndexFunc(known, func(k kubevirtv1.VirtualMachineInstanceNetworkInterface) bool {
			return guest.MAC != "" && strings.EqualFold(k.MAC, guest.MAC)
		})
		if i < 0 {
			merged = append(merged, kubevirtv1.VirtualMachineInstanceNetworkInterface{MAC: guest.MAC})
			i = len(merged) - 1
		}
		addGuest(&merged[i], guest)
	}
	return merged
}

// addGuest leaves an interface as it is that another of the guest's, such as a VLAN's, shares its address with.
func addGuest(to *kubevirtv1.VirtualMachineInstanceNetworkInterface, guest api.GuestInterface) {
	if to.InterfaceName != "" {
		return
	}
	to.InterfaceName = guest.Name
	to.InfoSource = joinSources(to.InfoSource, infoFromAgent)
	given := to.IPs
	to.IPs = slices.Clone(given)
	for _, ip := range slices.SortedStableFunc(slices.Values(guest.IPs), byUse) {
		if adds(given, ip) && !slices.Contains(to.IPs, ip) {
			to.IPs = append(to.IPs, ip)
		}
	}
	if to.IP == "" && len(to.IPs) > 0 {
		to.IP = to.IPs[0]
	}
}

// adds says whether an address that the guest tells of is listed beside those that the network gave: others can be
// expected to reach each of the list. As upstream, those that were given stand for their family; one of a single link
// leads nowhere from another.
func adds(given []string, ip string) bool {
	if len(given) == 0 {
		return true
	}
	use := useOf(ip)
	return use != useOfLink && !slices.ContainsFunc(given, func(known string) bool { return useOf(known) == use })
}

func joinSources(sources, more string) string {
	if sources == "" {
		return more
	}
	return sources + ", " + more
}

// byUse sorts IPv4 before IPv6, and addresses of a single link last.
func byUse(a, b string) int { return cmp.Compare(useOf(a), useOf(b)) }

// The uses of addresses.
const (
	useOfIPv4 = iota
	useOfIPv6
	useOfLink
)

func useOf(text string) int {
	ip, err := netip.ParseAddr(text)
	switch {
	case err != nil, ip.IsLinkLocalUnicast():
		return useOfLink
	case ip.Is4():
		return useOfIPv4
	}
	return useOfIPv6
}
