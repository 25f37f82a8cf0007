// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"

	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/dhcp"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/dns"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/filter"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/leases"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/link"
)

// Network is the guest network of a server. It is safe for concurrent use.
type Network struct {
	config Config
	state  state
	root   *os.Root
	leases *leases.Store
	bridge link.Bridge
	filter *filter.Filter
	guests *guests
	dhcp   *dhcp.Server
	dns    *dns.Server

	// mu is held while taps are made and removed; taps are those that there are.
	mu   sync.Mutex
	taps map[string]bool
}

// Open makes the network, or takes it over from an earlier process. The error is an Unavailable where the
// machine does not give what it needs; any other error is the administrator's to mend.
func Open(ctx context.Context, config Config) (*Network, error) {
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the guest network: %w", err)
	}
	root, err := os.OpenRoot(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the directory of the guest network: %w", err)
	}
	n := &Network{config: config, root: root, guests: newGuests(), taps: map[string]bool{}}
	if err := n.open(ctx); err != nil {
		_ = root.Close()
		return nil, err
	}
	klog.FromContext(ctx).Info("The guest network is up", "bridge", n.state.Bridge, "range", n.state.CIDR)
	return n, nil
}

func (n *Network) open(ctx context.Context) error {
	release, err := exclusive(n.config.RuntimeDir)
	if err != nil {
		return err
	}
	defer release()
	if err := n.settle(); err != nil {
		return err
	}
	if n.leases, err = leases.Open(n.root, n.state.CIDR); err != nil {
		return err
	}
	n.bridge = link.Bridge{Name: n.state.Bridge, Gateway: n.state.gateway()}
	n.filter = filter.New(n.state.Bridge, n.tapPrefix(), n.state.gateway())
	if err := n.make(ctx); err != nil {
		return &Unavailable{Cause: errors.Join(err, n.unmake())}
	}
	return nil
}

// settle chooses name and range, or finds what was chosen before.
func (n *Network) settle() error {
	before, err := readState(n.root)
	if err != nil {
		return fmt.Errorf("read what the guest network is: %w", err)
	}
	n.state = before
	n.state.Instance = n.config.InstanceID
	if n.config.Bridge != "" {
		n.state.Bridge = n.config.Bridge
	} else if n.state.Bridge == "" {
		n.state.Bridge = "virt" + n.config.InstanceID[:8]
	}
	taken, err := inUse(n.state.Bridge, n.config.ResolvConf)
	if err != nil {
		return &Unavailable{Cause: err}
	}
	switch {
	case n.config.CIDR.IsValid():
		n.state.CIDR = n.config.CIDR
	case !n.state.CIDR.IsValid():
		if n.state.CIDR, err = choose(n.config.InstanceID, taken); err != nil {
			return &Unavailable{Cause: err}
		}
	}
	if n.state == before {
		return collision(n.state.CIDR, taken)
	}
	if err := n.replace(before); err != nil {
		return err
	}
	if err := collision(n.state.CIDR, taken); err != nil {
		return err
	}
	if err := n.state.write(n.root); err != nil {
		return fmt.Errorf("write what the guest network is: %w", err)
	}
	return nil
}

// replace removes the network as it was before another one was asked for, which needs that no guest is on it.
func (n *Network) replace(before state) error {
	if before.Bridge == "" {
		return nil
	}
	taps, err := n.allTaps()
	if err != nil {
		return &Unavailable{Cause: err}
	}
	for _, held := range taps {
		if held {
			return fmt.Errorf("guests run on the network %s of %s: it can't become %s of %s; stop the guests first, or leave the flags as they were",
				before.CIDR, before.Bridge, n.state.CIDR, n.state.Bridge)
		}
	}
	for tap := range taps {
		if err := link.RemoveTap(tap); err != nil {
			return &Unavailable{Cause: err}
		}
	}
	old := &Network{config: n.config, state: before, filter: filter.New(before.Bridge, n.tapPrefix(), before.gateway()), bridge: link.Bridge{Name: before.Bridge}}
	if err := old.unmake(); err != nil {
		return &Unavailable{Cause: err}
	}
	return nil
}

// make brings the kernel to what the leases say: rules first, so that nothing is ever without.
func (n *Network) make(ctx context.Context) error {
	there, err := n.allTaps()
	if err != nil {
		return err
	}
	var kept []filter.Guest
	known := map[string]leases.Lease{}
	for _, lease := range n.leases.All() {
		tap := n.tapName(lease)
		known[tap] = lease
		if _, found := there[tap]; found && lease.Network == "" {
			kept = append(kept, filtered(tap, lease))
		}
	}
	if err := n.filter.Reset(kept); err != nil {
		return err
	}
	if err := n.bridge.Ensure(); err != nil {
		return err
	}
	if err := startForwarding(ctx, n.config.RuntimeDir, n.state.Bridge); err != nil {
		return err
	}
	if err := n.tryTap(); err != nil {
		return err
	}
	if err := n.makeSegments(); err != nil {
		return err
	}
	for tap, held := range there {
		lease, found := known[tap]
		switch {
		case found:
			err = n.reconnect(tap, lease)
			n.taps[tap] = true
		case held:
			klog.FromContext(ctx).Info("A guest that no lease tells of holds a tap; it is left alone, and nothing of it passes", "tap", tap)
		default:
			err = link.RemoveTap(tap)
		}
		if err != nil {
			return err
		}
	}
	return n.listen()
}

// tryTap finds out whether taps can be made at all.
func (n *Network) tryTap() error {
	probe := link.Tap{Name: n.tapPrefix() + "probe"}
	if err := n.bridge.EnsureTap(probe); err != nil {
		return err
	}
	return link.RemoveTap(probe.Name)
}

func (n *Network) listen() (err error) {
	if n.dhcp, err = dhcp.Listen(n.state.Bridge, n.state.gateway(), n.guests.offer); err != nil {
		return err
	}
	n.dns, err = dns.Listen(dns.Config{Gateway: n.state.gateway(), Names: n.guests, ResolvConf: n.config.ResolvConf})
	if err != nil {
		_ = n.dhcp.Close()
	}
	return err
}

// Run talks to guests until ctx is done.
func (n *Network) Run(ctx context.Context) error {
	ended := make(chan error, 2)
	go func() { ended <- n.dhcp.Run(ctx) }()
	go func() { ended <- n.dns.Run(ctx) }()
	return errors.Join(<-ended, <-ended)
}

// Close removes the network from the machine unless a guest is on it. It comes after Run has ended.
func (n *Network) Close(ctx context.Context) error {
	defer n.root.Close()
	_, _ = n.dhcp.Close(), n.dns.Close() // where Run has not
	release, err := exclusive(n.config.RuntimeDir)
	if err != nil {
		return err
	}
	defer release()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.taps) > 0 {
		klog.FromContext(ctx).V(2).Info("Guests go on; the guest network stays", "bridge", n.state.Bridge)
		return nil
	}
	return n.unmake()
}

// Remove removes the network that a server, which does not run, has kept in dir: for a server that was killed.
func Remove(dir, runtimeDir string) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the directory of the guest network: %w", err)
	}
	defer root.Close()
	left, err := readState(root)
	if err != nil || left.Bridge == "" {
		return err
	}
	release, err := exclusive(runtimeDir)
	if err != nil {
		return err
	}
	defer release()
	n := &Network{config: Config{RuntimeDir: runtimeDir, InstanceID: left.Instance}, state: left, bridge: link.Bridge{Name: left.Bridge}}
	n.filter = filter.New(left.Bridge, n.tapPrefix(), left.gateway())
	return n.unmake()
}

// unmake removes bridge and rules, unless a guest is on the bridge.
func (n *Network) unmake() error {
	taps, err := n.allTaps()
	if err != nil {
		return err
	}
	for _, held := range taps {
		if held {
			return nil
		}
	}
	for tap := range taps {
		err = errors.Join(err, link.RemoveTap(tap))
	}
	return errors.Join(err, n.bridge.Remove(), link.RemoveSegments(n.segmentPrefix()), n.filter.Delete(), stopForwarding(n.config.RuntimeDir, n.state.Bridge))
}

// tapPrefix begins the names of all taps of this network, and of no other device.
func (n *Network) tapPrefix() string { return "v" + n.config.InstanceID[:6] }

// tapName is made from the address, of which there is one, or from the interface.
func (n *Network) tapName(lease leases.Lease) string {
	if lease.Network != "" {
		return n.secondaryPrefix() + digest(string(lease.OriginKey().Owner)+"/"+lease.Interface)
	}
	return n.tapPrefix() + hex.EncodeToString(lease.Address.AsSlice())
}

func filtered(tap string, lease leases.Lease) filter.Guest {
	mac, _ := net.ParseMAC(lease.MAC) // a lease's is one
	return filter.Guest{Tap: tap, MAC: mac, Address: lease.Address, Ports: lease.Ports}
}
