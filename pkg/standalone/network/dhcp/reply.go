// SPDX-License-Identifier: Apache-2.0

package dhcp

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/rfc1035label"
)

// Offer is what an interface is told.
type Offer struct {
	Address     netip.Addr
	Hostname    string
	Domain      string
	Nameservers []netip.Addr
	Searches    []string
	// BootFile, TFTPServer and NTPServers are left out where they are empty.
	BootFile   string
	TFTPServer string
	NTPServers []netip.Addr
	// Private are options by their code.
	Private map[uint8]string
}

// Lookup returns what the interface with that MAC address is told; false where it is nobody's.
type Lookup func(mac net.HardwareAddr) (Offer, bool)

// forGood is a lease that needs no renewal, as upstream gives it.
const forGood = math.MaxUint32 * time.Second

// reply returns the answer to a request, or nil where there is none to be given.
func reply(request *dhcpv4.DHCPv4, gateway netip.Prefix, lookup Lookup) (*dhcpv4.DHCPv4, error) {
	if request.OpCode != dhcpv4.OpcodeBootRequest || len(request.ClientHWAddr) != 6 {
		return nil, nil
	}
	kind := dhcpv4.MessageTypeOffer
	switch request.MessageType() {
	case dhcpv4.MessageTypeDiscover:
	case dhcpv4.MessageTypeRequest, dhcpv4.MessageTypeInform:
		kind = dhcpv4.MessageTypeAck
	default:
		return nil, nil // an address is the guest's whether it gives it back or not
	}
	offer, found := lookup(request.ClientHWAddr)
	if !found {
		return nil, nil
	}
	server := net.IP(gateway.Addr().AsSlice())
	if chosen := request.ServerIdentifier(); chosen != nil && !chosen.Equal(server) {
		return nil, nil
	}
	if kind == dhcpv4.MessageTypeAck && !asksFor(request, offer.Address) {
		return dhcpv4.NewReplyFromRequest(request,
			dhcpv4.WithMessageType(dhcpv4.MessageTypeNak), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(server)))
	}
	answer, err := dhcpv4.NewReplyFromRequest(request, dhcpv4.WithMessageType(kind), dhcpv4.WithServerIP(server),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(server)))
	if err != nil {
		return nil, fmt.Errorf("answer a DHCP request: %w", err)
	}
	if request.MessageType() != dhcpv4.MessageTypeInform {
		answer.YourIPAddr = offer.Address.AsSlice()
		answer.UpdateOption(dhcpv4.OptIPAddressLeaseTime(forGood))
	}
	setOptions(answer, gateway, offer)
	return answer, nil
}

// asksFor says whether a request is for that address, which it names in one of two ways.
func asksFor(request *dhcpv4.DHCPv4, address netip.Addr) bool {
	if request.MessageType() == dhcpv4.MessageTypeInform {
		return true
	}
	wanted := request.RequestedIPAddress()
	if wanted == nil || wanted.IsUnspecified() {
		wanted = request.ClientIPAddr
	}
	return wanted.Equal(address.AsSlice())
}

func setOptions(answer *dhcpv4.DHCPv4, gateway netip.Prefix, offer Offer) {
	answer.UpdateOption(dhcpv4.OptSubnetMask(net.CIDRMask(gateway.Bits(), 32)))
	answer.UpdateOption(dhcpv4.OptRouter(gateway.Addr().AsSlice()))
	answer.UpdateOption(dhcpv4.OptHostName(offer.Hostname))
	if len(offer.Nameservers) > 0 {
		answer.UpdateOption(dhcpv4.OptDNS(ips(offer.Nameservers)...))
	}
	if offer.Domain != "" {
		answer.UpdateOption(dhcpv4.OptDomainName(offer.Domain))
	}
	if len(offer.Searches) > 0 {
		answer.UpdateOption(dhcpv4.OptDomainSearch(&rfc1035label.Labels{Labels: offer.Searches}))
	}
	if offer.BootFile != "" {
		answer.BootFileName = offer.BootFile
		answer.UpdateOption(dhcpv4.OptBootFileName(offer.BootFile))
	}
	if offer.TFTPServer != "" {
		answer.UpdateOption(dhcpv4.OptTFTPServerName(offer.TFTPServer))
	}
	if len(offer.NTPServers) > 0 {
		answer.UpdateOption(dhcpv4.OptNTPServers(ips(offer.NTPServers)...))
	}
	for code, value := range offer.Private {
		answer.UpdateOption(dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(code), []byte(value)))
	}
}

func ips(addresses []netip.Addr) []net.IP {
	all := make([]net.IP, 0, len(addresses))
	for _, address := range addresses {
		all = append(all, address.AsSlice())
	}
	return all
}
