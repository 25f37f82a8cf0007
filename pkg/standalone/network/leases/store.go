// SPDX-License-Identifier: Apache-2.0

package leases

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

const (
	fileName = "leases.json"
	// maxBytes is more than maxLeases take.
	maxBytes = 64 << 20
	// reserved addresses at the start of a network: its own and the gateway's.
	reserved = 2
)

// ErrFull is that no address is free.
var ErrFull = errors.New("the guest network has no free address; choose a larger one with --guest-network-cidr")

// Store keeps the leases of one network. It is safe for concurrent use; each change is on the disk before it
// is returned.
type Store struct {
	root    *os.Root
	network netip.Prefix

	mu        sync.Mutex
	byKey     map[Key]Lease
	byAddress map[netip.Addr]Key
	byMAC     map[string]Key
}

// Open reads the leases below root. Those that are not of the network, which was another one then, are
// forgotten.
func Open(root *os.Root, network netip.Prefix) (*Store, error) {
	s := &Store{
		root: root, network: network,
		byKey: map[Key]Lease{}, byAddress: map[netip.Addr]Key{}, byMAC: map[string]Key{},
	}
	known, err := read(root)
	if err != nil {
		return nil, fmt.Errorf("read the leases in %s: %w; where the file is damaged, remove it: machines get new addresses when they are started", root.Name(), err)
	}
	for _, lease := range known {
		if lease.Network != "" || network.Contains(lease.Address) {
			s.insert(lease)
		}
	}
	return s, nil
}

func read(root *os.Root) ([]Lease, error) {
	f, err := root.Open(fileName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxBytes))
	if err != nil {
		return nil, err
	}
	return decode(raw)
}

// Ensure returns the lease of wanted's interface, and makes it if there is none: the address stays, the MAC
// may be another than before, and so may the network, with which the address comes or goes. A MAC that another interface
// has is refused; where that is the same interface of the instance of that name, the instance has another owner than
// before, and the lease follows it: a machine let its instance go, or took one in.
func (s *Store) Ensure(wanted Lease) (Lease, error) {
	if err := wanted.check(); err != nil {
		return Lease{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := wanted.Key()
	var replaced []Lease
	before, known := s.byKey[key]
	if known {
		replaced = append(replaced, before)
	}
	if other, taken := s.byMAC[wanted.MAC]; taken && other != key {
		holder := s.byKey[other]
		if holder.Machine() != wanted.Machine() || holder.Interface != wanted.Interface {
			return Lease{}, fmt.Errorf("the MAC address %s is that of interface %q of %s", wanted.MAC, holder.Interface, holder.Machine())
		}
		replaced = append(replaced, holder)
		before, known = holder, true
	}
	if known {
		wanted.Origin = before.Origin
		if before.Owner != wanted.Owner {
			wanted.Origin = before.origin()
		}
	}
	switch {
	case wanted.Network != "":
		wanted.Address = netip.Addr{}
	case known && before.Network == "":
		wanted.Address = before.Address
	default:
		if wanted.Address = s.free(key); !wanted.Address.IsValid() {
			return Lease{}, ErrFull
		}
	}
	if known && wanted.equal(&before) {
		return before, nil
	}
	for _, gone := range replaced {
		s.remove(gone)
	}
	s.insert(wanted)
	if err := s.write(); err != nil {
		s.remove(wanted)
		for _, back := range replaced {
			s.insert(back)
		}
		return Lease{}, err
	}
	return wanted, nil
}

// Release forgets the leases of an owner.
func (s *Store) Release(owner types.UID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gone []Lease
	for key, lease := range s.byKey {
		if key.Owner == owner {
			gone = append(gone, lease)
			s.remove(lease)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	err := s.write()
	if err != nil {
		for _, lease := range gone {
			s.insert(lease)
		}
	}
	return err
}

// Get returns the lease of an interface.
func (s *Store) Get(key Key) (Lease, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lease, found := s.byKey[key]
	return lease, found
}

// Of returns the leases of all machines, one after the other, that had the name.
func (s *Store) Of(machine types.NamespacedName) []Lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Lease
	for _, lease := range s.byKey {
		if lease.Namespace == machine.Namespace && lease.Name == machine.Name {
			found = append(found, lease)
		}
	}
	return found
}

// All leases, by address.
func (s *Store) All() []Lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sorted()
}

func (s *Store) sorted() []Lease {
	all := make([]Lease, 0, len(s.byKey))
	for _, lease := range s.byKey {
		all = append(all, lease)
	}
	slices.SortFunc(all, func(a, b Lease) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Interface, b.Interface))
	})
	return all
}

func (s *Store) insert(lease Lease) {
	key := lease.Key()
	s.byKey[key], s.byMAC[lease.MAC] = lease, key
	if lease.Address.IsValid() {
		s.byAddress[lease.Address] = key
	}
}

func (s *Store) remove(lease Lease) {
	delete(s.byKey, lease.Key())
	delete(s.byAddress, lease.Address)
	delete(s.byMAC, lease.MAC)
}

// free returns an address that nobody has. The search begins at one that the key gives, so that an address is
// not handed on to the next machine as soon as one is deleted.
func (s *Store) free(key Key) netip.Addr {
	base := binary.BigEndian.Uint32(s.network.Masked().Addr().AsSlice())
	size := uint32(1)<<(32-s.network.Bits()) - 1 // less the broadcast address
	if size <= reserved {
		return netip.Addr{}
	}
	count := size - reserved
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, string(key.Owner)+"/"+key.Interface)
	for i := range count {
		var raw [4]byte
		binary.BigEndian.PutUint32(raw[:], base+reserved+(hash.Sum32()%count+i)%count)
		address := netip.AddrFrom4(raw)
		if _, taken := s.byAddress[address]; !taken {
			return address
		}
	}
	return netip.Addr{}
}

// write replaces the file as a whole.
func (s *Store) write() error {
	raw, err := json.Marshal(file{Leases: s.sorted()})
	if err != nil {
		return fmt.Errorf("encode the leases: %w", err)
	}
	if err := Replace(s.root, fileName, raw); err != nil {
		return fmt.Errorf("write the leases: %w", err)
	}
	return nil
}
