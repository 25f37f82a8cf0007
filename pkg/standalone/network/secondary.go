// SPDX-License-Identifier: Apache-2.0

package network

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/leases"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/link"
)

// networkOf is the name of the secondary network that an interface connects to; empty where it is the pod
// network. A namespace before the name is for clusters: here networks are the server's.
func networkOf(spec *kubevirtv1.VirtualMachineInstanceSpec, iface string) string {
	multus := spec.MultusNetwork(iface)
	if multus == nil {
		return ""
	}
	return multus.NetworkName[strings.LastIndexByte(multus.NetworkName, '/')+1:]
}

// segment is the bridge of a secondary network.
func (n *Network) segment(name string) (link.Segment, error) {
	secondary, found := n.config.Secondary[name]
	if !found {
		return link.Segment{}, fmt.Errorf("the server has no network %q, but %v; start it with --secondary-network %[1]s=isolated, or %[1]s=bridge:DEVICE",
			name, slices.Sorted(maps.Keys(n.config.Secondary)))
	}
	if secondary.Bridge != "" {
		return link.Segment{Name: secondary.Bridge}, nil
	}
	return link.Segment{Name: n.segmentPrefix() + digest(name)}, nil
}

// makeSegments makes the bridges that are the server's own.
func (n *Network) makeSegments() error {
	for name, secondary := range n.config.Secondary {
		if secondary.Bridge != "" {
			continue
		}
		segment, err := n.segment(name)
		if err == nil {
			err = segment.Ensure()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// join connects a tap to a secondary network.
func (n *Network) join(network string, tap link.Tap) error {
	segment, err := n.segment(network)
	if err != nil {
		return err
	}
	if err := segment.EnsureTap(tap); err != nil {
		return fmt.Errorf("network %q: %w", network, err)
	}
	return nil
}

// reconnect connects a tap that an earlier process made. Where the network is no more, the guest keeps what it has.
func (n *Network) reconnect(tap string, lease leases.Lease) error {
	if lease.Network == "" {
		return n.bridge.Reconnect(tap)
	}
	segment, err := n.segment(lease.Network)
	if err != nil {
		return nil //nolint:nilerr // the next start of the guest is told
	}
	return segment.Reconnect(tap)
}

// allTaps are those of this server on all networks, and whether a process holds each.
func (n *Network) allTaps() (map[string]bool, error) {
	taps, err := link.Taps(n.tapPrefix())
	more, moreErr := link.Taps(n.secondaryPrefix())
	if err := errors.Join(err, moreErr); err != nil {
		return nil, err
	}
	maps.Copy(taps, more)
	return taps, nil
}

// secondaryPrefix begins the names of taps on secondary networks, which the filter does not look at.
func (n *Network) secondaryPrefix() string { return "w" + n.config.InstanceID[:6] }

// segmentPrefix begins the names of the bridges of isolated networks.
func (n *Network) segmentPrefix() string { return "x" + n.config.InstanceID[:6] }

// digest is what is left for a name in that of a device.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}
