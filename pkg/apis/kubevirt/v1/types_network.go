// SPDX-License-Identifier: Apache-2.0

package v1

// Interface connects the guest to a network.
type Interface struct {
	// Name of the network.
	Name string `json:"name"`
	// Model is virtio where it is absent.
	// +optional
	Model *string `json:"model,omitempty"`
	// InterfaceBindingMethod is masquerade on the pod network, and bridge on others, where it is absent.
	InterfaceBindingMethod `json:",inline"`
	// Ports that the guest can be reached at; all, where none is named. With the bridge binding they name what
	// the guest offers, and close nothing.
	// +optional
	// +listType=atomic
	Ports []Port `json:"ports,omitzero"`
	// MacAddress is computed from the machine's UID where it is absent. No two machines have the same.
	// +optional
	MacAddress *string `json:"macAddress,omitempty"`
	// BootOrder from 1, unique among disks and interfaces.
	// +optional
	BootOrder *uint `json:"bootOrder,omitempty"`
	// PciAddress is where the guest finds the interface, for example 0000:81:01.0.
	// +optional
	PciAddress *string `json:"pciAddress,omitempty"`
	// DHCPOptions are told to the guest beside its address.
	// +optional
	DHCPOptions *DHCPOptions `json:"dhcpOptions,omitempty"`
	// State of the link is up where it is absent, or down. absent, on another than the pod network, takes the interface
	// from the guest, and leaves it out when the guest is started.
	// +optional
	State *InterfaceState `json:"state,omitempty"`
}

// InterfaceState is the state of an interface's link.
type InterfaceState string

// The states of links.
const (
	InterfaceStateLinkUp   InterfaceState = "up"
	InterfaceStateLinkDown InterfaceState = "down"
	InterfaceStateAbsent   InterfaceState = "absent"
)

// Port is what a guest can be reached at.
type Port struct {
	// Name is unique within the interface.
	// +optional
	Name *string `json:"name,omitempty"`
	// Protocol is TCP where it is absent, or UDP.
	// +optional
	Protocol *string `json:"protocol,omitempty"`
	// Port is a number from 1 to 65535.
	Port int32 `json:"port"`
}

// DHCPOptions are told to the guest beside its address.
type DHCPOptions struct {
	// BootFileName is option 67.
	// +optional
	BootFileName *string `json:"bootFileName,omitempty"`
	// TFTPServerName is option 66.
	// +optional
	TFTPServerName *string `json:"tftpServerName,omitempty"`
	// NTPServers are IPv4 addresses, option 42.
	// +optional
	// +listType=atomic
	NTPServers []string `json:"ntpServers,omitzero"`
	// PrivateOptions are options from 224 to 254.
	// +optional
	// +listType=atomic
	PrivateOptions []DHCPPrivateOptions `json:"privateOptions,omitzero"`
}

// DHCPPrivateOptions is an option that a site defines for itself.
type DHCPPrivateOptions struct {
	// Option is a number from 224 to 254.
	Option int `json:"option"`
	// Value of the option.
	Value string `json:"value"`
}

// InterfaceBindingMethod is exactly one way to connect an interface.
type InterfaceBindingMethod struct {
	// Bridge connects the guest to the node's network.
	// +optional
	Bridge *InterfaceBridge `json:"bridge,omitempty"`
	// Masquerade reaches out through network address translation.
	// +optional
	Masquerade *InterfaceMasquerade `json:"masquerade,omitempty"`
}

// InterfaceBridge has no settings.
type InterfaceBridge struct{}

// InterfaceMasquerade has no settings.
type InterfaceMasquerade struct{}

// Network is what an interface connects to.
type Network struct {
	Name          string `json:"name"`
	NetworkSource `json:",inline"`
}

// NetworkSource is exactly one kind of network.
type NetworkSource struct {
	// Pod is the node's default network.
	// +optional
	Pod *PodNetwork `json:"pod,omitempty"`
	// Multus is another network of the node, on which nobody gives the guest an address but who is there.
	// +optional
	Multus *MultusNetwork `json:"multus,omitempty"`
}

// MultusNetwork is a network that an administrator has named.
type MultusNetwork struct {
	// NetworkName is the name, or namespace/name. A server on its own has networks for all namespaces, and looks
	// at the name alone.
	NetworkName string `json:"networkName"`
}

// PodNetwork is the node's default network.
type PodNetwork struct{}

// DNSConfig adds to what the guest is told of name resolution.
type DNSConfig struct {
	// Nameservers are addresses, 3 at most.
	// +optional
	// +listType=atomic
	Nameservers []string `json:"nameservers,omitzero"`
	// Searches are the domains in which names are looked for, 6 at most.
	// +optional
	// +listType=atomic
	Searches []string `json:"searches,omitzero"`
}
