// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/node"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/runtimedir"
)

// The kinds of guest networks.
const (
	guestNetworkBridge = "bridge"
	guestNetworkUser   = "user"
)

const resolvConf = "/etc/resolv.conf"

// guestNetworkOptions say what guests are connected to.
type guestNetworkOptions struct {
	Kind   string
	Bridge string
	CIDR   string
	// Secondary are the networks beside it, by name.
	Secondary map[string]string
}

func (o *guestNetworkOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Kind, "guest-network", o.Kind,
		"What guests are connected to: bridge, a network of their own on this machine, which needs root with CAP_NET_ADMIN, /dev/net/tun and nftables; or user, QEMU's user-mode network, on which a guest reaches nobody and can't be reached.")
	flags.StringVar(&o.Bridge, "guest-network-bridge", o.Bridge,
		"Name of the bridge that is made for guests. One is derived from the data directory where it is empty.")
	flags.StringVar(&o.CIDR, "guest-network-cidr", o.CIDR,
		"IPv4 range of the guests' addresses, for example 10.213.0.0/22. A free one is chosen where it is empty, and kept in the data directory.")
	flags.StringToStringVar(&o.Secondary, "secondary-network", o.Secondary,
		"One more network that machines can name under networks[].multus, as NAME=bridge:DEVICE, a bridge of this machine that guests join, or NAME=isolated, on which guests reach one another alone. May be given several times.")
}

func (o *guestNetworkOptions) validate() []error {
	var errs []error
	if o.Kind != guestNetworkBridge && o.Kind != guestNetworkUser {
		errs = append(errs, fmt.Errorf("--guest-network %q: must be bridge or user", o.Kind))
	}
	if o.Bridge != "" {
		if err := network.CheckBridge(o.Bridge); err != nil {
			errs = append(errs, fmt.Errorf("--guest-network-bridge %w", err))
		}
	}
	if _, err := o.prefix(); err != nil {
		errs = append(errs, fmt.Errorf("--guest-network-cidr %w", err))
	}
	if len(o.Secondary) > 0 && o.Kind != guestNetworkBridge {
		errs = append(errs, fmt.Errorf("--secondary-network needs --guest-network=%s", guestNetworkBridge))
	}
	if _, err := o.secondary(); err != nil {
		errs = append(errs, fmt.Errorf("--secondary-network %w", err))
	}
	return errs
}

func (o *guestNetworkOptions) secondary() (map[string]network.Secondary, error) {
	parsed := make(map[string]network.Secondary, len(o.Secondary))
	for _, name := range slices.Sorted(maps.Keys(o.Secondary)) {
		var err error
		if parsed[name], err = network.ParseSecondary(name, o.Secondary[name]); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

// prefix is zero where one is to be chosen.
func (o *guestNetworkOptions) prefix() (netip.Prefix, error) {
	if o.CIDR == "" {
		return netip.Prefix{}, nil
	}
	return network.ParseCIDR(o.CIDR)
}

// guestNetwork is what guests are connected to, and what has to run for it.
type guestNetwork struct {
	node.Network
	run   func(context.Context) error
	close func(context.Context) error
}

// openGuestNetwork makes the network. Where the machine does not give what that needs, guests with interfaces wait and
// say so; what is wrong with the flags is an error.
func openGuestNetwork(ctx context.Context, options *Options, instance string) (*guestNetwork, error) {
	if options.guestNetwork.Kind == guestNetworkUser {
		return unattended(network.UserMode{}), nil
	}
	cidr, err := options.guestNetwork.prefix()
	if err != nil {
		return nil, fmt.Errorf("--guest-network-cidr %w", err)
	}
	secondary, err := options.guestNetwork.secondary()
	if err != nil {
		return nil, fmt.Errorf("--secondary-network %w", err)
	}
	bridge, err := network.Open(ctx, network.Config{
		Dir: options.path("network"), RuntimeDir: runtimedir.Root, InstanceID: instance,
		Bridge: options.guestNetwork.Bridge, CIDR: cidr, ResolvConf: resolvConf,
		Secondary: secondary,
	})
	if unavailable := (&network.Unavailable{}); errors.As(err, &unavailable) {
		klog.FromContext(ctx).Error(unavailable.Cause, "There is no guest network: guests that have an interface wait for it, unless the server is started with --guest-network=user",
			"needs", "root with CAP_NET_ADMIN, /dev/net/tun and nftables")
		return unattended(network.Missing{Cause: unavailable.Cause}), nil
	}
	if err != nil {
		return nil, err
	}
	return &guestNetwork{Network: bridge, run: bridge.Run, close: bridge.Close}, nil
}

// unattended is a network for which nothing has to run.
func unattended(without node.Network) *guestNetwork {
	return &guestNetwork{
		Network: without,
		run:     func(context.Context) error { return nil },
		close:   func(context.Context) error { return nil },
	}
}
