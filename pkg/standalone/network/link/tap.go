// SPDX-License-Identifier: Apache-2.0

package link

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vishvananda/netlink"
)

// Tap is a device that QEMU is at the other end of.
type Tap struct {
	Name string
	// MultiQueue lets several processors of the guest send at one time.
	MultiQueue bool
	// Alias tells an administrator whose it is.
	Alias string
}

// maxAlias is what the kernel keeps of an alias.
const maxAlias = 255

// EnsureTap connects a tap to the bridge, and makes it where it is not there. One that is there is not made
// anew, for a guest may hold it, unless it has too many queues or too few, with which no guest can hold it.
func (b Bridge) EnsureTap(tap Tap) error { return ensureTap(b.Name, tap, true) }

// ensureTap connects a tap to the bridge of that name; isolated keeps it from the bridge's other such ports.
func ensureTap(bridge string, tap Tap, isolated bool) error {
	device, err := netlink.LinkByName(tap.Name)
	if existing, ok := device.(*netlink.Tuntap); err == nil && ok && isMultiQueue(existing) != tap.MultiQueue {
		if err := netlink.LinkDel(device); err != nil {
			return fmt.Errorf("remove the tap %s: %w", tap.Name, err)
		}
		err = netlink.LinkNotFoundError{}
	}
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		device, err = create(tap)
	}
	if err != nil {
		return fmt.Errorf("make the tap %s: %w", tap.Name, err)
	}
	if err := connect(bridge, device, tap, isolated); err != nil {
		return fmt.Errorf("connect the tap %s to %s: %w", tap.Name, bridge, err)
	}
	return nil
}

func isMultiQueue(tap *netlink.Tuntap) bool { return tap.Flags&netlink.TUNTAP_MULTI_QUEUE != 0 }

func create(tap Tap) (netlink.Link, error) {
	flags := netlink.TUNTAP_NO_PI | netlink.TUNTAP_VNET_HDR
	if tap.MultiQueue {
		flags |= netlink.TUNTAP_MULTI_QUEUE
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name = tap.Name
	err := netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attributes, Mode: netlink.TUNTAP_MODE_TAP, Flags: flags})
	if err != nil {
		return nil, err
	}
	return netlink.LinkByName(tap.Name)
}

func connect(name string, device netlink.Link, tap Tap, isolated bool) error {
	bridge, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if kind := bridge.Type(); kind != "bridge" {
		return fmt.Errorf("it is a device of type %s, not a bridge", kind)
	}
	if err := setKernel("ipv6/conf/"+tap.Name+"/disable_ipv6", "1"); err != nil {
		return err
	}
	// A bridge takes on the smallest of its ports' sizes: the machine's own shall keep its own.
	if mtu := bridge.Attrs().MTU; device.Attrs().MTU != mtu {
		if err := netlink.LinkSetMTU(device, mtu); err != nil {
			return err
		}
	}
	if device.Attrs().MasterIndex != bridge.Attrs().Index {
		if err := netlink.LinkSetMaster(device, bridge); err != nil {
			return err
		}
	}
	if err := netlink.LinkSetIsolated(device, isolated); err != nil {
		return err
	}
	if alias := tap.Alias[:min(len(tap.Alias), maxAlias)]; device.Attrs().Alias != alias {
		if err := netlink.LinkSetAlias(device, alias); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(device)
}

// RemoveTap removes a tap, if it is there.
func RemoveTap(name string) error {
	device, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(device)
	}
	if err != nil {
		return fmt.Errorf("remove the tap %s: %w", name, err)
	}
	return nil
}

// Taps returns the names of the taps that begin with prefix, and whether a process holds each.
func Taps(prefix string) (map[string]bool, error) {
	devices, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list the devices: %w", err)
	}
	taps := map[string]bool{}
	for _, device := range devices {
		attributes := device.Attrs()
		if device.Type() == "tuntap" && strings.HasPrefix(attributes.Name, prefix) {
			taps[attributes.Name] = attributes.OperState == netlink.OperUp
		}
	}
	return taps, nil
}

// Reconnect connects a tap that is there to the bridge, as it was before the bridge was made anew.
func (b Bridge) Reconnect(name string) error { return reconnect(b.Name, name, true) }

func reconnect(bridge, name string, isolated bool) error {
	device, err := netlink.LinkByName(name)
	if err == nil {
		err = connect(bridge, device, Tap{Name: name, Alias: device.Attrs().Alias}, isolated)
	}
	if err != nil {
		return fmt.Errorf("connect the tap %s to %s again: %w", name, bridge, err)
	}
	return nil
}
