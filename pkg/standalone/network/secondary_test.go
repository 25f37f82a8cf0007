// SPDX-License-Identifier: Apache-2.0

package network

import (
	"net"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/link"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/networktest"
)

// onNetworks is an instance with the pod network and those.
func onNetworks(name string, networks ...string) *kubevirtv1.VirtualMachineInstance {
	vmi := instanceOf(name)
	for _, network := range networks {
		vmi.Spec.Networks = append(vmi.Spec.Networks, kubevirtv1.Network{
			Name: network, NetworkSource: kubevirtv1.NetworkSource{Multus: &kubevirtv1.MultusNetwork{NetworkName: "default/" + network}},
		})
		vmi.Spec.Domain.Devices.Interfaces = append(vmi.Spec.Domain.Devices.Interfaces, kubevirtv1.Interface{Name: network})
	}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&vmi.Spec)
	kubevirtv1.SetIdentity(&vmi.Spec, vmi.OwnerUID())
	return vmi
}

// guestOn puts a neighbour with that address where the guest's tap on a secondary network will be.
func guestOn(t *testing.T, n *Network, vmi *kubevirtv1.VirtualMachineInstance, iface, address string) *networktest.Namespace {
	t.Helper()
	attachment, err := n.Attach(t.Context(), vmi)
	require.NoError(t, err)
	tap := attachment.Taps[iface]
	require.NoError(t, link.RemoveTap(tap))
	guest := networktest.New(t)
	guest.Connect(tap, net.HardwareAddr{2, 0, 0, 9, 9, address[len(address)-4]})
	_, err = n.Attach(t.Context(), vmi)
	require.NoError(t, err)
	guest.Address(address, "")
	return guest
}

// assertReaches has one neighbour connect to another at its address.
func assertReaches(t *testing.T, from, to *networktest.Namespace, address string) {
	t.Helper()
	var listener net.Listener
	to.Do(func() (err error) {
		listener, err = net.Listen("tcp4", address+":80")
		return err
	})
	defer listener.Close()
	from.Do(func() error {
		conn, err := net.DialTimeout("tcp4", listener.Addr().String(), 10*time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

func withLab(t *testing.T) Config {
	t.Helper()
	config := configIn(t, t.TempDir(), oneServer)
	config.Secondary = map[string]Secondary{"lab": {}, "lan": {Bridge: "br-lan"}}
	return config
}

func TestOnAnIsolatedNetworkGuestsReachOneAnotherAlone(t *testing.T) {
	n, end := open(t, withLab(t))
	t.Cleanup(func() { end(); require.NoError(t, n.unmake()); assertNothingLeft(t) })
	web, db := onNetworks("web", "lab"), onNetworks("db", "lab")
	webGuest := guestOn(t, n, web, "lab", "192.0.2.1/24")
	assertReaches(t, webGuest, guestOn(t, n, db, "lab", "192.0.2.2/24"), "192.0.2.2")

	segment, err := n.segment("lab")
	require.NoError(t, err)
	device, err := netlink.LinkByName(segment.Name)
	require.NoError(t, err)
	addresses, err := netlink.AddrList(device, netlink.FAMILY_ALL)
	require.NoError(t, err)
	assert.Empty(t, addresses, "nothing of the host is there")
	assert.Len(t, n.Addresses(web), 1, "the server gives no addresses on it")
}

func TestGuestsJoinABridgeOfTheMachine(t *testing.T) {
	outside := networktest.New(t)
	outside.Connect("uplink", nil)
	out, err := exec.Command("sh", "-c", "ip link add br-lan mtu 1400 type bridge && ip link set br-lan up && ip link set uplink up mtu 1400 master br-lan").CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() { _ = link.Bridge{Name: "br-lan"}.Remove() })
	outside.Address("192.0.2.9/24", "")

	config := withLab(t)
	n, end := open(t, config)
	web := onNetworks("web", "lan")
	assertReaches(t, guestOn(t, n, web, "lan", "192.0.2.1/24"), outside, "192.0.2.9")
	bridge, err := netlink.LinkByName("br-lan")
	require.NoError(t, err)
	assert.Equal(t, 1400, bridge.Attrs().MTU)

	require.NoError(t, n.Detach(t.Context(), machineOf(web), nil))
	end()
	require.NoError(t, n.Close(t.Context()))
	_, err = netlink.LinkByName("br-lan")
	require.NoError(t, err, "it is the machine's")
}

func TestSecondaryTapsAreTakenOverAndRemoved(t *testing.T) {
	config := withLab(t)
	first, end := open(t, config)
	web := onNetworks("web", "lab")
	attachment, err := first.Attach(t.Context(), web)
	require.NoError(t, err)
	require.Len(t, attachment.Taps, 2)
	held := hold(t, attachment.Taps["lab"])
	end()
	require.NoError(t, first.Close(t.Context()))

	second, end := open(t, config)
	again, err := second.Attach(t.Context(), web)
	require.NoError(t, err)
	assert.Equal(t, attachment, again)
	require.Error(t, second.Release(web.OwnerUID()), "a guest is at the tap")
	held()
	require.NoError(t, second.Detach(t.Context(), machineOf(web), nil))
	require.NoError(t, second.Release(web.OwnerUID()))
	assert.Empty(t, second.Users())
	end()
	require.NoError(t, second.Close(t.Context()))
	assertNothingLeft(t)
}

func TestTapOfAnInterfaceThatAGuestHasGivenUpIsRemoved(t *testing.T) {
	config := withLab(t)
	n, end := open(t, config)
	web, db := onNetworks("web", "lab"), onNetworks("db", "lab")
	before, err := n.Attach(t.Context(), web)
	require.NoError(t, err)
	others, err := n.Attach(t.Context(), db)
	require.NoError(t, err)
	address := n.Addresses(web)["default"]

	for _, step := range []struct{ has, taps []string }{
		{[]string{"lab", "default"}, []string{"default", "lab"}},
		{[]string{"default"}, []string{"default"}},
		{nil, nil},
	} {
		require.NoError(t, n.Trim(t.Context(), web, step.has))
		there, err := n.allTaps()
		require.NoError(t, err)
		for name, tap := range before.Taps {
			_, found := there[tap]
			assert.Equal(t, slices.Contains(step.taps, name), found, name)
		}
		for name, tap := range others.Taps {
			assert.Contains(t, there, tap, "%s is another guest's", name)
		}
	}
	after, err := n.Attach(t.Context(), web)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.Equal(t, address, n.Addresses(web)["default"])
	for _, vmi := range []*kubevirtv1.VirtualMachineInstance{web, db} {
		require.NoError(t, n.Detach(t.Context(), machineOf(vmi), nil))
	}
	end()
	require.NoError(t, n.Close(t.Context()))
	assertNothingLeft(t)
}

func TestANetworkThatIsNotThereIsNamedWithTheRemedy(t *testing.T) {
	n, end := open(t, withLab(t))
	t.Cleanup(func() { end(); require.NoError(t, n.unmake()) })
	_, err := n.Attach(t.Context(), onNetworks("web", "wan"))
	require.ErrorContains(t, err, `interface "wan": the server has no network "wan", but [lab lan]; start it with --secondary-network wan=isolated`)
	_, err = n.Attach(t.Context(), onNetworks("db", "lan"))
	require.ErrorContains(t, err, `network "lan": connect the tap`)
	require.ErrorContains(t, err, "br-lan")
}

func TestSecondaryNetworksAreRead(t *testing.T) {
	lab, err := ParseSecondary("lab", "isolated")
	require.NoError(t, err)
	assert.Equal(t, Secondary{}, lab)
	lan, err := ParseSecondary("lan.office", "bridge:br0")
	require.NoError(t, err)
	assert.Equal(t, Secondary{Bridge: "br0"}, lan)
	for name, text := range map[string]string{
		"Lab": "isolated", "": "isolated", "a": "bridge:", "b": "bridge:../x", "c": "vlan:7", "d": "bridge:a-name-that-is-too-long", "e": "",
	} {
		_, err := ParseSecondary(name, text)
		require.Error(t, err, "%s=%s", name, text)
	}
}
