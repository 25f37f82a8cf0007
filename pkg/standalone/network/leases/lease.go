// SPDX-License-Identifier: Apache-2.0

package leases

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// Key names an interface: the UID of the machine, or of an instance without one, and the interface's name.
type Key struct {
	Owner     types.UID
	Interface string
}

// Lease is an address that an interface has.
type Lease struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Owner     types.UID `json:"owner"`
	// Origin is the owner that the lease was made for, where the instance has another by now; see OriginKey.
	Origin    types.UID `json:"origin,omitempty"`
	Interface string    `json:"interface"`
	MAC       string    `json:"mac"`
	// Network is empty for the network that has addresses; on another one an interface has none.
	Network string     `json:"network,omitempty"`
	Address netip.Addr `json:"address"`
	// Ports that the interface can be reached at; all, where there are none.
	Ports []Port `json:"ports,omitempty"`
}

// Port is one of TCP, or of UDP.
type Port struct {
	Number uint16 `json:"number"`
	UDP    bool   `json:"udp,omitempty"`
}

// Key of the lease.
func (l *Lease) Key() Key { return Key{Owner: l.Owner, Interface: l.Interface} }

// OriginKey is the key that the lease was made with. Names of devices come from it: a guest keeps them.
func (l *Lease) OriginKey() Key { return Key{Owner: l.origin(), Interface: l.Interface} }

func (l *Lease) origin() types.UID { return cmp.Or(l.Origin, l.Owner) }

// Machine is the namespace and name of the machine.
func (l *Lease) Machine() types.NamespacedName {
	return types.NamespacedName{Namespace: l.Namespace, Name: l.Name}
}

func (l *Lease) equal(other *Lease) bool {
	return l.Machine() == other.Machine() && l.Key() == other.Key() && l.origin() == other.origin() && l.MAC == other.MAC && l.Network == other.Network && l.Address == other.Address &&
		slices.Equal(l.Ports, other.Ports)
}

func (l *Lease) check() error {
	if l.Owner == "" || l.Interface == "" {
		return errors.New("a lease without owner or interface")
	}
	if mac, err := net.ParseMAC(l.MAC); err != nil || len(mac) != 6 || mac.String() != l.MAC {
		return fmt.Errorf("%q is no MAC address in its usual form", l.MAC)
	}
	return nil
}

// maxLeases is more than the largest network has room for.
const maxLeases = 1 << 16

type file struct {
	Leases []Lease `json:"leases"`
}

// decode reads a file. It refuses one in which an interface, an address or a MAC is named twice.
func decode(raw []byte) ([]Lease, error) {
	var content file
	if err := json.Unmarshal(raw, &content); err != nil {
		return nil, err
	}
	if len(content.Leases) > maxLeases {
		return nil, fmt.Errorf("%d leases, the most is %d", len(content.Leases), maxLeases)
	}
	seen := map[any]bool{}
	for i := range content.Leases {
		lease := &content.Leases[i]
		if err := lease.check(); err != nil {
			return nil, fmt.Errorf("lease %d: %w", i, err)
		}
		unique := []any{lease.Key(), lease.MAC}
		switch {
		case lease.Network != "" && lease.Address.IsValid():
			return nil, fmt.Errorf("lease %d: an address on network %q", i, lease.Network)
		case lease.Network == "" && !lease.Address.Is4():
			return nil, fmt.Errorf("lease %d: %q is no IPv4 address", i, lease.Address)
		case lease.Network == "":
			unique = append(unique, lease.Address)
		}
		for _, unique := range unique {
			if seen[unique] {
				return nil, fmt.Errorf("lease %d: %v is there twice", i, unique)
			}
			seen[unique] = true
		}
	}
	return content.Leases, nil
}
