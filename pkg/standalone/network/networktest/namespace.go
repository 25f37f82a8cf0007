// SPDX-License-Identifier: Apache-2.0

package networktest

import (
	"net"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Device is what a namespace is connected by, in it.
const Device = "eth0"

// Namespace is a neighbour of the test's process in the network.
type Namespace struct {
	t      *testing.T
	handle netns.NsHandle
}

// New makes a namespace that is gone when the test is over.
func New(t *testing.T) *Namespace {
	t.Helper()
	n := &Namespace{t: t}
	require.NoError(t, onThread(func() (err error) {
		n.handle, err = netns.New()
		return err
	}))
	t.Cleanup(func() { _ = n.handle.Close() })
	n.Do(loopbackUp)
	return n
}

// Do runs f, which must succeed, within the namespace. Sockets that it opens stay there; goroutines that it
// starts do not.
func (n *Namespace) Do(f func() error) {
	n.t.Helper()
	require.NoError(n.t, n.Try(f))
}

// Try runs f within the namespace.
func (n *Namespace) Try(f func() error) error {
	return onThread(func() error {
		if err := netns.Set(n.handle); err != nil {
			return err
		}
		return f()
	})
}

// onThread runs f on a thread that ends with it, whatever f does to the thread.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// Connect makes a cable from a device of that name beside the test to Device in the namespace, with that MAC.
func (n *Namespace) Connect(name string, mac net.HardwareAddr) {
	n.t.Helper()
	attributes := netlink.NewLinkAttrs()
	attributes.Name = name
	require.NoError(n.t, netlink.LinkAdd(&netlink.Veth{
		LinkAttrs: attributes, PeerName: Device, PeerHardwareAddr: mac, PeerNamespace: netlink.NsFd(n.handle),
	}))
	n.t.Cleanup(func() {
		if device, err := netlink.LinkByName(name); err == nil {
			_ = netlink.LinkDel(device)
		}
	})
	n.Do(func() error {
		device, err := netlink.LinkByName(Device)
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(device)
	})
}

// Address gives Device an address, such as 10.0.0.2/24, and a default route, where gateway is not empty.
func (n *Namespace) Address(address, gateway string) {
	n.t.Helper()
	n.Run("ip", "address", "replace", address, "dev", Device)
	if gateway != "" {
		n.Run("ip", "route", "replace", "default", "via", gateway)
	}
}

// Run runs a command within the namespace, which must succeed.
func (n *Namespace) Run(command ...string) string {
	n.t.Helper()
	var output []byte
	err := n.Try(func() (err error) {
		output, err = exec.Command(command[0], command[1:]...).CombinedOutput()
		return err
	})
	require.NoError(n.t, err, "%v: %s", command, output)
	return string(output)
}
