// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
)

func TestARefusedNetworkNamesTheField(t *testing.T) {
	type (
		spec  = kubevirtv1.VirtualMachineInstanceSpec
		iface = kubevirtv1.Interface
	)
	onInterface := func(change func(*iface)) func(*spec) {
		return func(s *spec) { change(&s.Domain.Devices.Interfaces[0]) }
	}
	onLab := func(change func(*spec)) func(*spec) {
		return func(s *spec) {
			addNetwork(s, "lab", "lab")
			change(s)
		}
	}
	ports := func(ports ...kubevirtv1.Port) func(*spec) { return onInterface(func(i *iface) { i.Ports = ports }) }
	dhcp := func(options kubevirtv1.DHCPOptions) func(*spec) {
		return onInterface(func(i *iface) { i.DHCPOptions = &options })
	}
	const first = "spec.template.spec.domain.devices.interfaces[0]."
	for name, test := range map[string]struct {
		change func(*spec)
		field  string
	}{
		"two bindings": {onInterface(func(i *iface) {
			i.Bridge, i.Masquerade = &kubevirtv1.InterfaceBridge{}, &kubevirtv1.InterfaceMasquerade{}
		}), strings.TrimSuffix(first, ".")},
		"two on the pod network": {func(s *spec) {
			s.Networks = append(s.Networks, kubevirtv1.Network{Name: "more", NetworkSource: s.Networks[0].NetworkSource})
			s.Domain.Devices.Interfaces = append(s.Domain.Devices.Interfaces, iface{Name: "more"})
		}, "spec.template.spec.interfaces"},
		"no kind of network":    {func(s *spec) { s.Networks[0].Pod = nil }, "spec.template.spec.networks[0]"},
		"two kinds":             {func(s *spec) { s.Networks[0].Multus = &kubevirtv1.MultusNetwork{NetworkName: "lab"} }, "spec.template.spec.networks[0]"},
		"multus without a name": {onLab(func(s *spec) { s.Networks[1].Multus.NetworkName = "" }), "spec.template.spec.networks[1].multus.networkName"},
		"multus with a path":    {onLab(func(s *spec) { s.Networks[1].Multus.NetworkName = "a/b/c" }), "spec.template.spec.networks[1].multus.networkName"},
		"masquerade on multus": {onLab(func(s *spec) {
			s.Domain.Devices.Interfaces[1].Masquerade = &kubevirtv1.InterfaceMasquerade{}
		}), "spec.template.spec.domain.devices.interfaces[1].name"},
		"DHCP options on multus": {onLab(func(s *spec) {
			s.Domain.Devices.Interfaces[1].DHCPOptions = &kubevirtv1.DHCPOptions{}
		}), "spec.template.spec.domain.devices.interfaces[1].dhcpOptions"},
		"MAC of zeros":      {onInterface(func(i *iface) { i.MacAddress = ptr.To("00:00:00:00:00:00") }), first + "macAddress"},
		"PCI address":       {onInterface(func(i *iface) { i.PciAddress = ptr.To("81:01.0") }), first + "pciAddress"},
		"state":             {onInterface(func(i *iface) { i.State = ptr.To[kubevirtv1.InterfaceState]("sideways") }), first + "state"},
		"absent":            {onInterface(func(i *iface) { i.State = ptr.To[kubevirtv1.InterfaceState]("absent") }), first + "state"},
		"no port":           {ports(kubevirtv1.Port{Name: ptr.To("http")}), first + "ports[0]"},
		"port 65536":        {ports(kubevirtv1.Port{Port: 65536}), first + "ports[0]"},
		"protocol":          {ports(kubevirtv1.Port{Port: 80, Protocol: ptr.To("SCTP")}), first + "ports[0].protocol"},
		"port name":         {ports(kubevirtv1.Port{Port: 80, Name: ptr.To("a b")}), first + "ports[0].name"},
		"port name twice":   {ports(kubevirtv1.Port{Port: 80, Name: ptr.To("a")}, kubevirtv1.Port{Port: 81, Name: ptr.To("a")}), first + "ports[1].name"},
		"257 ports":         {ports(make([]kubevirtv1.Port, 257)...), first + "ports"},
		"NTP server":        {dhcp(kubevirtv1.DHCPOptions{NTPServers: []string{"::1"}}), first + "dhcpOptions.ntpServers[0]"},
		"boot file":         {dhcp(kubevirtv1.DHCPOptions{BootFileName: ptr.To(strings.Repeat("x", 256))}), first + "dhcpOptions.bootFileName"},
		"private option":    {dhcp(kubevirtv1.DHCPOptions{PrivateOptions: []kubevirtv1.DHCPPrivateOptions{{Option: 42}}}), first + "dhcpOptions.privateOptions[0].option"},
		"option twice":      {dhcp(kubevirtv1.DHCPOptions{PrivateOptions: []kubevirtv1.DHCPPrivateOptions{{Option: 224}, {Option: 224}}}), first + "dhcpOptions.privateOptions[1].option"},
		"subdomain":         {func(s *spec) { s.Subdomain = ptr.To("a.b") }, "spec.template.spec.subdomain"},
		"policy":            {func(s *spec) { s.DNSPolicy = ptr.To(corev1.DNSPolicy("Mine")) }, "spec.template.spec.dnsPolicy"},
		"no name server":    {func(s *spec) { s.DNSPolicy = ptr.To(corev1.DNSNone) }, "spec.template.spec.dnsConfig.nameservers"},
		"name server":       {func(s *spec) { s.DNSConfig = &kubevirtv1.DNSConfig{Nameservers: []string{"fd00::1"}} }, "spec.template.spec.dnsConfig.nameservers[0]"},
		"four name servers": {func(s *spec) { s.DNSConfig = &kubevirtv1.DNSConfig{Nameservers: make([]string, 4)} }, "spec.template.spec.dnsConfig.nameservers"},
		"search domain":     {func(s *spec) { s.DNSConfig = &kubevirtv1.DNSConfig{Searches: []string{"a b"}} }, "spec.template.spec.dnsConfig.searches[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			vm := machine()
			test.change(&vm.Spec.Template.Spec)
			var fields []string
			for _, err := range validation.ValidateVirtualMachine(vm) {
				fields = append(fields, err.Field)
			}
			assert.Contains(t, fields, test.field)
		})
	}
}

// addNetwork connects the guest to one more network.
func addNetwork(spec *kubevirtv1.VirtualMachineInstanceSpec, name, network string) {
	spec.Networks = append(spec.Networks, kubevirtv1.Network{
		Name: name, NetworkSource: kubevirtv1.NetworkSource{Multus: &kubevirtv1.MultusNetwork{NetworkName: network}},
	})
	spec.Domain.Devices.Interfaces = append(spec.Domain.Devices.Interfaces, kubevirtv1.Interface{Name: name})
}

func TestAGuestMayBeOnSeveralNetworks(t *testing.T) {
	vm := machine()
	spec := &vm.Spec.Template.Spec
	addNetwork(spec, "lab", "lab")
	addNetwork(spec, "lan", "default/lan.example")
	spec.Domain.Devices.Interfaces[2].State = ptr.To(kubevirtv1.InterfaceStateAbsent)
	assert.Empty(t, validation.ValidateVirtualMachine(vm))
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(spec)
	assert.NotNil(t, spec.Domain.Devices.Interfaces[1].Bridge, "there is no masquerade but on the pod network")
	assert.Nil(t, spec.Domain.Devices.Interfaces[1].Masquerade)
	assert.NotNil(t, spec.Domain.Devices.Interfaces[0].Masquerade)
	assert.Empty(t, validation.ValidateVirtualMachine(vm))
}

func TestANetworkWithOneOfEverythingIsAccepted(t *testing.T) {
	vm := machine()
	spec := &vm.Spec.Template.Spec
	iface := &spec.Domain.Devices.Interfaces[0]
	iface.Bridge, iface.State, iface.PciAddress = &kubevirtv1.InterfaceBridge{}, ptr.To(kubevirtv1.InterfaceStateLinkDown), ptr.To("0000:81:01.0")
	iface.Ports = []kubevirtv1.Port{{Port: 80, Name: ptr.To("http")}, {Port: 53, Protocol: ptr.To("UDP")}}
	iface.DHCPOptions = &kubevirtv1.DHCPOptions{BootFileName: ptr.To("boot"), TFTPServerName: ptr.To("tftp"), NTPServers: []string{"192.0.2.1"},
		PrivateOptions: []kubevirtv1.DHCPPrivateOptions{{Option: 240, Value: "x"}}}
	spec.Subdomain, spec.DNSPolicy = ptr.To("shop"), ptr.To(corev1.DNSNone)
	spec.DNSConfig = &kubevirtv1.DNSConfig{Nameservers: []string{"192.0.2.53"}, Searches: []string{"example.org"}}
	assert.Empty(t, validation.ValidateVirtualMachine(vm))
}
