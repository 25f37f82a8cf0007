// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// Config of a network.
type Config struct {
	// Dir keeps leases and what was chosen.
	Dir string
	// RuntimeDir is shared by all servers of the machine, and empty after a boot.
	RuntimeDir string
	// InstanceID tells this server from the machine's others: 12 hexadecimal digits.
	InstanceID string
	// Bridge is the name of the bridge; one is derived from InstanceID where it is empty.
	Bridge string
	// CIDR is the network's range of addresses; a free one is chosen, once, where it is zero.
	CIDR netip.Prefix
	// ResolvConf is the file that names the host's resolvers.
	ResolvConf string
	// Secondary are the networks beside this one, by name.
	Secondary map[string]Secondary
}

// Secondary is a network on which the server gives no addresses, and lets pass what guests send.
type Secondary struct {
	// Bridge is one of the machine's that guests join; where it is empty, they have one of their own, and reach
	// nobody but one another.
	Bridge string
}

// isolated is the secondary network that leads nowhere.
const isolated = "isolated"

var (
	devices  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,15}$`)
	networks = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)
)

// ParseSecondary reads what a network of that name is: isolated, or bridge:DEVICE.
func ParseSecondary(name, text string) (Secondary, error) {
	if !networks.MatchString(name) {
		return Secondary{}, fmt.Errorf("%q: a network's name has at most 63 lower-case letters, digits, dots and hyphens", name)
	}
	bridge, found := strings.CutPrefix(text, "bridge:")
	switch {
	case text == isolated:
		return Secondary{}, nil
	case found && devices.MatchString(bridge):
		return Secondary{Bridge: bridge}, nil
	}
	return Secondary{}, fmt.Errorf("%s=%q: must be isolated, or bridge:DEVICE such as bridge:br0", name, text)
}

// Sizes of a network, in bits of its prefix: from 65,533 guests to 5.
const (
	largest  = 16
	smallest = 29
)

var bridgeNames = regexp.MustCompile(`^[a-z][a-z0-9-]{0,14}$`)

// CheckBridge says what is wrong with a name for a bridge.
func CheckBridge(name string) error {
	if !bridgeNames.MatchString(name) {
		return fmt.Errorf("%q: must begin with a letter and have at most 15 lower-case letters, digits and -", name)
	}
	return nil
}

// ParseCIDR reads a range of addresses for a network.
func ParseCIDR(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() || prefix.Bits() < largest || prefix.Bits() > smallest {
		return netip.Prefix{}, fmt.Errorf("%q: must be an IPv4 range from /%d to /%d, for example 10.213.0.0/22", text, largest, smallest)
	}
	if prefix != prefix.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q: the range begins at %s", text, prefix.Masked())
	}
	if !prefix.Addr().IsPrivate() {
		return netip.Prefix{}, fmt.Errorf("%q: must be within the private ranges 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16", text)
	}
	return prefix, nil
}

// Unavailable is why there is no guest network on this machine.
type Unavailable struct{ Cause error }

func (u *Unavailable) Error() string { return "the guest network is not available: " + u.Cause.Error() }

// Unwrap returns the cause.
func (u *Unavailable) Unwrap() error { return u.Cause }
