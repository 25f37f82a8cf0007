// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/leases"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/link"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/networktest"
)

func TestMain(m *testing.M) { os.Exit(networktest.Main(m)) }

const (
	oneServer     = "aabbcc001122"
	anotherServer = "ddeeff001122"
)

func configIn(t *testing.T, dir, instance string) Config {
	t.Helper()
	return Config{Dir: filepath.Join(dir, instance), RuntimeDir: dir, InstanceID: instance, ResolvConf: filepath.Join(dir, "resolv.conf")}
}

// open opens a network and returns what ends it as the end of its process does; Close it first for more.
func open(t *testing.T, config Config) (n *Network, end func()) {
	t.Helper()
	n, err := Open(t.Context(), config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	ended := false
	end = func() {
		if !ended {
			ended = true
			cancel()
			require.NoError(t, <-done)
		}
	}
	t.Cleanup(end)
	return n, end
}

func instanceOf(name string) *kubevirtv1.VirtualMachineInstance {
	vmi := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("vmi-" + name)}}
	vmi.OwnerReferences = []metav1.OwnerReference{{Kind: "VirtualMachine", Name: name, UID: types.UID("vm-" + name), Controller: ptr.To(true)}}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&vmi.Spec)
	kubevirtv1.SetIdentity(&vmi.Spec, vmi.OwnerUID())
	return vmi
}

func machineOf(vmi *kubevirtv1.VirtualMachineInstance) types.NamespacedName {
	return types.NamespacedName{Namespace: vmi.Namespace, Name: vmi.Name}
}

// guestOf puts a neighbour where the guest's tap will be.
func guestOf(t *testing.T, n *Network, vmi *kubevirtv1.VirtualMachineInstance) *networktest.Namespace {
	t.Helper()
	attachment, err := n.Attach(t.Context(), vmi)
	require.NoError(t, err)
	tap := attachment.Taps["default"]
	require.NoError(t, link.RemoveTap(tap))
	guest := networktest.New(t)
	mac, err := net.ParseMAC(ptr.Deref(vmi.Spec.Domain.Devices.Interfaces[0].MacAddress, ""))
	require.NoError(t, err)
	guest.Connect(tap, mac)
	_, err = n.Attach(t.Context(), vmi)
	require.NoError(t, err)
	return guest
}

func leaseOf(t *testing.T, guest *networktest.Namespace, mac string) *dhcpv4.DHCPv4 {
	t.Helper()
	address, err := net.ParseMAC(mac)
	require.NoError(t, err)
	var client *nclient4.Client
	guest.Do(func() (err error) {
		client, err = nclient4.New(networktest.Device, nclient4.WithHWAddr(address), nclient4.WithTimeout(3*time.Second), nclient4.WithRetry(5))
		return err
	})
	defer client.Close()
	lease, err := client.Request(t.Context())
	require.NoError(t, err)
	return lease.ACK
}

func TestGuestsGetTheirAddressesAndFindOneAnother(t *testing.T) {
	n, end := open(t, configIn(t, t.TempDir(), oneServer))
	t.Cleanup(func() { end(); require.NoError(t, n.unmake()) })
	web, db := instanceOf("web"), instanceOf("db")
	db.Spec.Hostname, db.Spec.Subdomain = ptr.To("primary"), ptr.To("data")
	webGuest, dbGuest := guestOf(t, n, web), guestOf(t, n, db)

	ack := leaseOf(t, webGuest, ptr.Deref(web.Spec.Domain.Devices.Interfaces[0].MacAddress, ""))
	address := n.Addresses(web)["default"]
	assert.Equal(t, address.String(), ack.YourIPAddr.String())
	assert.Equal(t, "web", ack.HostName())
	assert.Equal(t, "shop.vm.internal", ack.DomainName())
	gateway := ack.Router()[0].String()
	webGuest.Address(fmt.Sprintf("%s/22", address), gateway)
	dbAddress := n.Addresses(db)["default"]
	dbGuest.Address(fmt.Sprintf("%s/22", dbAddress), gateway)

	for _, name := range []string{"primary.shop.vm.internal.", "primary.data.shop.vm.internal.", "db.shop.vm.internal."} {
		var answer *dns.Msg
		webGuest.Do(func() (err error) {
			client := &dns.Client{Net: "udp", Timeout: 10 * time.Second}
			answer, _, err = client.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), gateway+":53")
			return err
		})
		require.Len(t, answer.Answer, 1, name)
		assert.Equal(t, dbAddress.String(), answer.Answer[0].(*dns.A).A.String())
	}
	var listener net.Listener
	dbGuest.Do(func() (err error) {
		listener, err = net.Listen("tcp4", fmt.Sprintf("%s:80", dbAddress))
		return err
	})
	defer listener.Close()
	webGuest.Do(func() error {
		conn, err := net.DialTimeout("tcp4", listener.Addr().String(), 10*time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

func TestANetworkIsTakenOverAsItWasLeft(t *testing.T) {
	config := configIn(t, t.TempDir(), oneServer)
	first, end := open(t, config)
	web := instanceOf("web")
	attachment, err := first.Attach(t.Context(), web)
	require.NoError(t, err)
	address := first.Addresses(web)
	before, err := netlink.LinkByName(attachment.Taps["default"])
	require.NoError(t, err)
	end()

	second, end := open(t, config)
	assert.Equal(t, first.state, second.state)
	assert.Equal(t, address, second.Addresses(web))
	assert.True(t, second.Users()[0].Attached)
	require.Error(t, second.Release(web.OwnerUID()), "a guest may be at the tap")
	again, err := second.Attach(t.Context(), web)
	require.NoError(t, err)
	assert.Equal(t, attachment, again)
	after, err := netlink.LinkByName(attachment.Taps["default"])
	require.NoError(t, err)
	assert.Equal(t, before.Attrs().Index, after.Attrs().Index, "the tap is the same")

	require.NoError(t, second.Detach(t.Context(), machineOf(web), web))
	assert.True(t, second.Users()[0].Attached, "it is to be kept")
	require.NoError(t, second.Detach(t.Context(), machineOf(web), nil))
	require.NoError(t, second.Detach(t.Context(), machineOf(web), nil))
	assert.Equal(t, address, second.Addresses(web), "a machine that is stopped keeps its address")
	require.NoError(t, second.Release(web.OwnerUID()))
	assert.Empty(t, second.Users())
	end()
	require.NoError(t, second.Close(t.Context()))
	assertNothingLeft(t)
}

func assertNothingLeft(t *testing.T) {
	t.Helper()
	devices, err := netlink.LinkList()
	require.NoError(t, err)
	for _, device := range devices {
		assert.NotContains(t, []string{"bridge", "tuntap"}, device.Type(), device.Attrs().Name)
	}
	tables, err := exec.Command("nft", "list", "tables").CombinedOutput()
	require.NoError(t, err)
	assert.Empty(t, string(tables))
}

func TestTwoServersDoNotMeetAndForwardingEndsWithTheLast(t *testing.T) {
	require.NoError(t, link.SetForwards(false))
	dir := t.TempDir()
	one, endOne := open(t, configIn(t, dir, oneServer))
	other, endOther := open(t, configIn(t, dir, anotherServer))
	assert.NotEqual(t, one.state.Bridge, other.state.Bridge)
	assert.False(t, one.state.CIDR.Overlaps(other.state.CIDR))

	endOne()
	require.NoError(t, one.Close(t.Context()))
	forwards, err := link.Forwards()
	require.NoError(t, err)
	assert.True(t, forwards)
	endOther()
	require.NoError(t, other.Close(t.Context()))
	forwards, err = link.Forwards()
	require.NoError(t, err)
	assert.False(t, forwards, "as it was before the first")
	assertNothingLeft(t)
}

func TestWhatAKilledServerLeftIsRemoved(t *testing.T) {
	config := configIn(t, t.TempDir(), oneServer)
	n, end := open(t, config)
	_, err := n.Attach(t.Context(), instanceOf("web"))
	require.NoError(t, err)
	end()
	for range 2 {
		require.NoError(t, Remove(config.Dir, config.RuntimeDir))
	}
	require.NoError(t, Remove(filepath.Join(config.Dir, "none"), config.RuntimeDir))
	assertNothingLeft(t)
}

func TestForwardingThatWasOnStaysOn(t *testing.T) {
	require.NoError(t, link.SetForwards(true))
	n, end := open(t, configIn(t, t.TempDir(), oneServer))
	end()
	require.NoError(t, n.Close(t.Context()))
	forwards, err := link.Forwards()
	require.NoError(t, err)
	assert.True(t, forwards)
}

func TestARangeInUseIsRefusedOrAvoided(t *testing.T) {
	networktest.New(t).Connect("uplink", nil)
	out, err := exec.Command("sh", "-c", "ip link set uplink up && ip address add 10.213.0.9/16 dev uplink").CombinedOutput()
	require.NoError(t, err, "%s", out)
	dir := t.TempDir()

	config := configIn(t, dir, oneServer)
	config.CIDR = netip.MustParsePrefix("10.213.4.0/24")
	_, err = Open(t.Context(), config)
	require.ErrorContains(t, err, "the range 10.213.4.0/24 overlaps 10.213.0.0/16, which the machine reaches by uplink; choose another with --guest-network-cidr")

	config.CIDR = netip.Prefix{}
	n, end := open(t, config)
	assert.Equal(t, "172.30", n.state.CIDR.String()[:6])
	end()
	require.NoError(t, n.Close(t.Context()))

	require.NoError(t, os.WriteFile(config.ResolvConf, []byte("nameserver 172.30.200.1\n"), 0o600))
	taken, err := inUse("", config.ResolvConf)
	require.NoError(t, err)
	require.Error(t, collision(netip.MustParsePrefix("172.30.200.0/24"), taken), "the host's resolver")
}

func TestAnotherRangeNeedsThatNoGuestRuns(t *testing.T) {
	config := configIn(t, t.TempDir(), oneServer)
	n, end := open(t, config)
	web := instanceOf("web")
	attachment, err := n.Attach(t.Context(), web)
	require.NoError(t, err)
	held := hold(t, attachment.Taps["default"])
	end()

	config.CIDR = netip.MustParsePrefix("10.99.0.0/24")
	_, err = Open(t.Context(), config)
	require.ErrorContains(t, err, "stop the guests first")

	held()
	n, end = open(t, config)
	_, err = n.Attach(t.Context(), web)
	require.NoError(t, err)
	assert.True(t, config.CIDR.Contains(n.Addresses(web)["default"]))
	require.NoError(t, n.Detach(t.Context(), machineOf(web), nil))
	end()
	require.NoError(t, n.Close(t.Context()))
	assertNothingLeft(t)
}

// hold opens a tap as QEMU does.
func hold(t *testing.T, tap string) (release func()) {
	t.Helper()
	held := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: tap}, Mode: netlink.TUNTAP_MODE_TAP, Flags: netlink.TUNTAP_NO_PI | netlink.TUNTAP_VNET_HDR, Queues: 1, NonPersist: false}
	require.NoError(t, netlink.LinkAdd(held))
	require.Eventually(t, func() bool {
		taps, err := link.Taps(tap)
		return err == nil && taps[tap]
	}, time.Minute, time.Millisecond)
	return func() {
		for _, file := range held.Fds {
			require.NoError(t, file.Close())
		}
		require.Eventually(t, func() bool {
			taps, err := link.Taps(tap)
			return err == nil && !taps[tap]
		}, time.Minute, time.Millisecond)
	}
}

// TestAGuestThatItsMachineLetGoIsReached has the machine of a running guest deleted without it, and made again. The
// device that it is at, its address and its name are the same throughout.
func TestAGuestThatItsMachineLetGoIsReached(t *testing.T) {
	config := withLab(t)
	n, end := open(t, config)
	vmi := onNetworks("web", "lab")
	attachment, err := n.Attach(t.Context(), vmi)
	require.NoError(t, err)
	address := n.Addresses(vmi)
	require.Len(t, address, 1)
	made := *vmi.OwnerReferences[0].DeepCopy()
	made.UID = "made again"
	for _, owners := range [][]metav1.OwnerReference{nil, {made}} {
		vmi.OwnerReferences = owners
		again, err := n.Attach(t.Context(), vmi)
		require.NoError(t, err)
		assert.Equal(t, attachment, again)
		assert.Equal(t, address, n.Addresses(vmi))
		assert.Equal(t, []netip.Addr{address["default"]}, n.guests.Addresses("web.shop"))
		require.NoError(t, n.Detach(t.Context(), machineOf(vmi), vmi))
		users := n.Users()
		require.Len(t, users, 2)
		for _, user := range users {
			assert.Equal(t, vmi.OwnerUID(), user.Owner)
			assert.True(t, user.Attached)
		}
		end()
		n, end = open(t, config)
		assert.Equal(t, address, n.Addresses(vmi), "the next server knows it as well")
	}
	require.NoError(t, n.Detach(t.Context(), machineOf(vmi), nil))
	require.NoError(t, n.Release(vmi.OwnerUID()))
	assert.Empty(t, n.Users())
	end()
	require.NoError(t, n.Close(t.Context()))
	assertNothingLeft(t)
}

func TestNamesOfOneDoNotHideAnother(t *testing.T) {
	g := newGuests()
	gateway := netip.MustParseAddr("10.0.0.1")
	put := func(name, hostname, address string) {
		vmi := instanceOf(name)
		vmi.Spec.Hostname = ptr.To(hostname)
		iface := &vmi.Spec.Domain.Devices.Interfaces[0]
		lease := leaseFor(vmi, iface, netip.MustParseAddr(address))
		g.put(newGuest(vmi, iface, lease, gateway))
	}
	put("web", "", "10.0.0.2")
	put("thief", "web", "10.0.0.3")
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.2")}, g.Addresses("web.shop"))
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.3")}, g.Addresses("thief.shop"))
	assert.Equal(t, "web.shop", g.Name(netip.MustParseAddr("10.0.0.2")))
	put("web", "other", "10.0.0.2")
	assert.Len(t, g.Addresses("web.shop"), 1)
	assert.Len(t, g.Addresses("other.shop"), 1)
}

func TestDNSPolicyAndConfigAreTold(t *testing.T) {
	gateway := netip.MustParseAddr("10.0.0.1")
	offerOf := func(policy corev1.DNSPolicy, config *kubevirtv1.DNSConfig) (nameservers, searches []string) {
		vmi := instanceOf("web")
		vmi.Spec.DNSPolicy, vmi.Spec.DNSConfig = &policy, config
		iface := &vmi.Spec.Domain.Devices.Interfaces[0]
		offer := newGuest(vmi, iface, leaseFor(vmi, iface, netip.MustParseAddr("10.0.0.2")), gateway).offer
		for _, address := range offer.Nameservers {
			nameservers = append(nameservers, address.String())
		}
		return nameservers, offer.Searches
	}
	config := &kubevirtv1.DNSConfig{Nameservers: []string{"10.9.9.9"}, Searches: []string{"example.org"}}
	nameservers, searches := offerOf(corev1.DNSClusterFirst, config)
	assert.Equal(t, []string{"10.0.0.1", "10.9.9.9"}, nameservers)
	assert.Equal(t, []string{"shop.vm.internal", "vm.internal", "example.org"}, searches)
	nameservers, searches = offerOf(corev1.DNSDefault, nil)
	assert.Equal(t, []string{"10.0.0.1"}, nameservers)
	assert.Empty(t, searches)
	nameservers, searches = offerOf(corev1.DNSNone, config)
	assert.Equal(t, []string{"10.9.9.9"}, nameservers)
	assert.Equal(t, []string{"example.org"}, searches)
}

func leaseFor(vmi *kubevirtv1.VirtualMachineInstance, iface *kubevirtv1.Interface, address netip.Addr) leases.Lease {
	return leases.Lease{
		Namespace: vmi.Namespace, Name: vmi.Name, Owner: vmi.OwnerUID(), Interface: iface.Name, MAC: ptr.Deref(iface.MacAddress, ""), Address: address,
	}
}

func TestUserModeSaysWhatGuestsGoWithout(t *testing.T) {
	vmi := instanceOf("web")
	attachment, err := UserMode{}.Attach(t.Context(), vmi)
	require.NoError(t, err)
	assert.Empty(t, attachment.Taps)
	assert.Contains(t, attachment.Notice, "--guest-network=user: it reaches nobody")
	iface := &vmi.Spec.Domain.Devices.Interfaces[0]
	iface.Masquerade, iface.Bridge = nil, &kubevirtv1.InterfaceBridge{}
	_, err = UserMode{}.Attach(t.Context(), vmi)
	require.ErrorContains(t, err, "--guest-network=bridge")
}

func TestGuestsWaitForANetworkThatIsMissing(t *testing.T) {
	missing := Missing{Cause: errors.New("open /dev/net/tun: no such file")}
	vmi := instanceOf("web")
	_, err := missing.Attach(t.Context(), vmi)
	require.ErrorContains(t, err, "open /dev/net/tun: no such file; it needs root")
	require.ErrorContains(t, err, "start it with --guest-network=user")
	vmi.Spec.Domain.Devices.Interfaces = nil
	attachment, err := missing.Attach(t.Context(), vmi)
	require.NoError(t, err, "who wants no network can go without")
	assert.Equal(t, &node.Attachment{}, attachment)
}

func FuzzDecodeState(f *testing.F) {
	f.Add([]byte(`{"instance":"aabbcc001122","bridge":"virt0","cidr":"10.213.0.0/22"}`))
	f.Add([]byte(`{"bridge":"../x","cidr":"::/0"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		chosen, err := decodeState(raw)
		if err != nil {
			return
		}
		require.True(t, chosen.CIDR.Contains(chosen.gateway().Addr()))
		_, err = json.Marshal(chosen)
		require.NoError(t, err)
	})
}
