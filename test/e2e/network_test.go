// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/network/networktest"
)

// TestGuestsHaveANetwork has two guests of a server of its own, which is killed between.
func TestGuestsHaveANetwork(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	p := s.newSpace(t)
	web := linuxMachine("web", kubevirtv1.RunStrategyAlways)
	web.Spec.Template.Spec.Hostname, web.Spec.Template.Spec.Subdomain = ptr.To("front"), ptr.To("shop")
	web.Spec.Template.Spec.ReadinessProbe = &kubevirtv1.Probe{
		Handler: kubevirtv1.Handler{TCPSocket: &kubevirtv1.TCPSocketAction{Port: intstr.FromInt32(22)}}, PeriodSeconds: ptr.To[int32](1),
	}
	p.create(web)
	p.create(linuxMachine("db", kubevirtv1.RunStrategyAlways))
	outside := outsideHost(t)
	instance := p.awaitRunning("web", nil)
	other := p.awaitRunning("db", nil)
	address, otherAddress := addressOf(t, instance), addressOf(t, other)
	assert.NotEqual(t, address, otherAddress)
	assert.Contains(t, instance.Status.Interfaces[0].InfoSource, "domain")
	assert.Equal(t, "up", instance.Status.Interfaces[0].LinkState)

	console := p.loginTo("web")
	assert.Contains(t, console.run("ip -4 addr show dev eth0"), "inet "+address+"/", "the guest has the address that the status shows")
	assert.Equal(t, "front", console.run("hostname"))
	p.awaitConsole(other, "virt-guest ready db")
	p.kubectl("wait", "vmi/web", "--for=condition=Ready", "--timeout=300s")
	for _, name := range []string{"db", "db." + p.name + ".vm.internal"} {
		assert.Contains(t, console.run("sudo ping -c 1 -W 10 "+name), otherAddress, "guests find one another by name")
	}
	assert.Contains(t, console.run("nslookup front.shop."+p.name+".vm.internal"), address)
	assert.Equal(t, "outside", console.run(fetch(outside, 20)))
	bridge, gateway := bridgeOf(t, s)
	t.Log(console.run("ip route"))
	assertHostIsShut(t, console, address, gateway)
	assertSpoofIsDropped(t, console, address, gateway, outside)
	assertReachable(t, address)

	s.Kill()
	require.NoError(t, s.Start())
	console = p.openConsole("web") // who is logged in still is
	assert.Equal(t, "outside", console.run(fetch(outside, 20)), "the guest of a server that was killed notices nothing")
	console.run("sudo udhcpc -i eth0 -n -q -t 10 -T 2")
	assert.Contains(t, console.run("ip -4 addr show dev eth0"), "inet "+address+"/", "it is told the same address again")
	assert.Equal(t, instance.UID, p.instance("web").UID)
	assert.Equal(t, address, addressOf(t, p.instance("web")))
	p.plugin("restart", "web", "--force", "--grace-period=0")
	again := p.awaitRunning("web", instance)
	assert.Equal(t, address, addressOf(t, again), "a restart keeps the address")
	assert.Contains(t, p.loginTo("web").run("ip -4 addr show dev eth0"), "inet "+address+"/")

	p.kubectl("delete", "vms", "--all", "--timeout=300s")
	require.NoError(t, s.Stop())
	left, err := exec.Command("nft", "list", "tables").CombinedOutput()
	require.NoError(t, err)
	assert.NotContains(t, string(left), bridge)
	_, err = net.InterfaceByName(bridge)
	require.Error(t, err, "the last guest is gone, and so is its network with the server")
	require.NoError(t, s.Start())
}

// TestGuestsAreOnSeveralNetworks has guests on the pod network, one of their own, and a bridge of the machine.
func TestGuestsAreOnSeveralNetworks(t *testing.T) {
	t.Parallel()
	lan, bridge := networktest.New(t), fmt.Sprintf("e2l%d", os.Getpid())
	lan.Connect(fmt.Sprintf("e2u%d", os.Getpid()), nil)
	lan.Address("192.0.2.9/24", "")
	output, err := exec.Command("sh", "-c", fmt.Sprintf(
		"ip link add %[1]s type bridge && ip link set %[1]s up && ip link set e2u%[2]d up master %[1]s", bridge, os.Getpid())).CombinedOutput()
	require.NoError(t, err, "%s", output)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "delete", bridge).Run() })
	var listener net.Listener
	lan.Do(func() (err error) {
		listener, err = net.Listen("tcp4", "192.0.2.9:80")
		return err
	})
	serve(t, listener, "lan")
	s := startServer(t, "--secondary-network", "lab=isolated", "--secondary-network", "lan=bridge:"+bridge)
	p := s.newSpace(t)
	web, db := linuxMachine("web", kubevirtv1.RunStrategyAlways), linuxMachine("db", kubevirtv1.RunStrategyAlways)
	for machine, networks := range map[*kubevirtv1.VirtualMachine][]string{web: {"lab", "lan"}, db: {"lab"}} {
		connectTo(machine, networks...)
		p.create(machine)
	}
	lost := linuxMachine("lost", kubevirtv1.RunStrategyAlways)
	connectTo(lost, "wan")
	p.create(lost)

	instance := p.awaitRunning("web", nil)
	p.awaitRunning("db", nil)
	require.Len(t, instance.Status.Interfaces, 3)
	var macs []string
	for i, name := range []string{"default", "lab", "lan"} {
		assert.Equal(t, name, instance.Status.Interfaces[i].Name)
		macs = append(macs, instance.Status.Interfaces[i].MAC)
	}
	assert.NotEmpty(t, instance.Status.Interfaces[0].IP)
	assert.Empty(t, instance.Status.Interfaces[1].IP, "nobody has given it one")

	first, second := p.loginTo("web"), p.loginTo("db")
	for i, mac := range macs {
		assert.Equal(t, mac, first.run(fmt.Sprintf("cat /sys/class/net/eth%d/address", i)), "the guest finds them in the order of the spec")
	}
	second.run("sudo ip addr add 198.51.100.2/24 dev eth1 && sudo ip link set eth1 up")
	first.run("sudo ip addr add 198.51.100.1/24 dev eth1 && sudo ip link set eth1 up")
	first.run("sudo ping -c 1 -W 10 198.51.100.2")
	first.run("sudo ip addr add 192.0.2.1/24 dev eth2 && sudo ip link set eth2 up")
	assert.Equal(t, "lan", first.run(fetch("192.0.2.9:80", 20)))
	p.assertInterfacesFollow(second, "db")
	p.kubectl("wait", "vmi/lost", "--for=jsonpath={.status.conditions[?(@.type=='Synchronized')].reason}=NetworkNotReady", "--timeout=300s")
	assert.Contains(t, p.kubectl("get", "vmi/lost", "-o", "yaml"), "start it with --secondary-network wan=isolated")
}

// assertInterfacesFollow has a guest that runs, and has eth0 and eth1, get a third interface, lose its link, and the
// interface.
func (p *space) assertInterfacesFollow(c *console, machine string) {
	p.t.Helper()
	patch := func(text string) { p.kubectl("patch", "vm", machine, "--type=json", "-p", text) }
	await := func(want int, link string) {
		p.t.Helper()
		require.Eventually(p.t, func() bool {
			interfaces := p.instance(machine).Status.Interfaces
			return len(interfaces) == want && (link == "" || interfaces[want-1].LinkState == link)
		}, patience, tick, "%d interfaces, the last one %s", want, link)
	}
	patch(`[{"op": "add", "path": "/spec/template/spec/networks/-", "value": {"name": "lan", "multus": {"networkName": "lan"}}},
		{"op": "add", "path": "/spec/template/spec/domain/devices/interfaces/-", "value": {"name": "lan"}}]`)
	await(3, "up")
	c.run("for i in $(seq 100); do [ -e /sys/class/net/eth2 ] && break; sleep 0.2; done; sudo ip addr add 192.0.2.2/24 dev eth2 && sudo ip link set eth2 up")
	assert.Equal(p.t, "lan", c.run(fetch("192.0.2.9:80", 20)))
	patch(`[{"op": "add", "path": "/spec/template/spec/domain/devices/interfaces/2/state", "value": "down"}]`)
	await(3, "down")
	c.run("for i in $(seq 100); do [ $(cat /sys/class/net/eth2/carrier) = 0 ] && break; sleep 0.2; done; [ $(cat /sys/class/net/eth2/carrier) = 0 ]")
	patch(`[{"op": "replace", "path": "/spec/template/spec/domain/devices/interfaces/2/state", "value": "absent"}]`)
	await(2, "")
	c.run("for i in $(seq 100); do [ -e /sys/class/net/eth2 ] || break; sleep 0.2; done; [ ! -e /sys/class/net/eth2 ]")
	require.Eventually(p.t, func() bool { return p.taps(machine) == 2 }, patience, tick, "the host has no more devices than the guest")
	assert.NotContains(p.t, p.kubectl("get", "vm", machine, "-o", "yaml"), "RestartRequired")
}

// taps counts the devices of the host that the machine's guest is connected by.
func (p *space) taps(machine string) int {
	devices, err := netlink.LinkList()
	require.NoError(p.t, err)
	count := 0
	for _, device := range devices {
		if strings.HasPrefix(device.Attrs().Alias, fmt.Sprintf("virt-apiserver %s/%s ", p.name, machine)) {
			count++
		}
	}
	return count
}

// connectTo connects a machine to the pod network and to those.
func connectTo(machine *kubevirtv1.VirtualMachine, networks ...string) {
	spec := &machine.Spec.Template.Spec
	spec.Networks = []kubevirtv1.Network{{Name: "default", NetworkSource: kubevirtv1.NetworkSource{Pod: &kubevirtv1.PodNetwork{}}}}
	spec.Domain.Devices.Interfaces = []kubevirtv1.Interface{{Name: "default"}}
	for _, name := range networks {
		source := kubevirtv1.NetworkSource{Multus: &kubevirtv1.MultusNetwork{NetworkName: name}}
		spec.Networks = append(spec.Networks, kubevirtv1.Network{Name: name, NetworkSource: source})
		spec.Domain.Devices.Interfaces = append(spec.Domain.Devices.Interfaces, kubevirtv1.Interface{Name: name})
	}
}

func addressOf(t *testing.T, instance *kubevirtv1.VirtualMachineInstance) string {
	t.Helper()
	require.Len(t, instance.Status.Interfaces, 1)
	iface := instance.Status.Interfaces[0]
	require.NotEmpty(t, iface.IP)
	require.NotEmpty(t, iface.IPs)
	require.Equal(t, iface.IP, iface.IPs[0], "the guest agent may report more")
	return iface.IP
}

// bridgeOf is the name of the bridge of a server, and its address.
func bridgeOf(t *testing.T, s *server) (name, gateway string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.DataDir(), "network", "network.json"))
	require.NoError(t, err)
	var chosen struct {
		Bridge string
		CIDR   netip.Prefix
	}
	require.NoError(t, json.Unmarshal(raw, &chosen))
	return chosen.Bridge, chosen.CIDR.Addr().Next().String()
}

// outsideHost is a web server beside the machine, and its address.
func outsideHost(t *testing.T) string {
	t.Helper()
	outside := networktest.New(t)
	name := fmt.Sprintf("e2e%d", os.Getpid())
	outside.Connect(name, nil)
	// A network for tests of networks; the process chooses a part.
	network := fmt.Sprintf("198.18.%d.%d", os.Getpid()>>6&255, os.Getpid()<<2&255)
	address, err := netip.ParseAddr(network)
	require.NoError(t, err)
	here, there := address.Next(), address.Next().Next()
	for _, command := range [][]string{
		{"ip", "address", "add", here.String() + "/30", "dev", name},
		{"ip", "link", "set", name, "up"},
	} {
		output, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		require.NoError(t, err, "%v: %s", command, output)
	}
	outside.Address(there.String()+"/30", "")
	var listener net.Listener
	outside.Do(func() (err error) {
		listener, err = net.Listen("tcp4", there.String()+":0")
		return err
	})
	serve(t, listener, "outside")
	return listener.Addr().String()
}

// fetch is the guest's command that prints what a web server answers within some seconds.
func fetch(server string, seconds int) string {
	host, port, _ := net.SplitHostPort(server)
	return fmt.Sprintf(`printf 'GET / HTTP/1.0\r\n\r\n' | nc -w %d %s %s | tail -n 1`, seconds, host, port)
}

func serve(t *testing.T, listener net.Listener, answer string) {
	t.Helper()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
}

// assertHostIsShut has the guest try a service of the host on all of the host's addresses that it may think of.
func assertHostIsShut(t *testing.T, c *console, address, gateway string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	require.NoError(t, err)
	serve(t, listener, "inside")
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	hosts := []string{gateway, "127.0.0.1"}
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, other := range addresses {
		if ip := other.(*net.IPNet).IP.To4(); ip != nil && !ip.IsLoopback() && ip.String() != gateway {
			hosts = append(hosts, ip.String())
			break
		}
	}
	for _, host := range hosts {
		c.run("! " + fetch(net.JoinHostPort(host, port), 3) + " | grep inside")
	}
	c.run("sudo ip route replace 127.0.0.0/8 via " + gateway + " dev eth0 src " + address + " && ! " + fetch("127.0.0.2:"+port, 3) + " | grep inside")
}

// assertSpoofIsDropped has the guest send from the address after its own.
func assertSpoofIsDropped(t *testing.T, c *console, address, gateway, outside string) {
	t.Helper()
	own, err := netip.ParseAddr(address)
	require.NoError(t, err)
	c.run(fmt.Sprintf("sudo ip addr flush dev eth0; sudo ip addr add %s/22 dev eth0 && sudo ip route add default via %s", own.Next(), gateway))
	c.run("! " + fetch(outside, 3) + " | grep outside")
	c.run("sudo ip addr flush dev eth0; sudo udhcpc -i eth0 -n -q -t 10 -T 2")
	assert.Equal(t, "outside", c.run(fetch(outside, 20)))
}

// assertReachable has the host reach the guest's SSH server, as a port-forward does.
func assertReachable(t *testing.T, address string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp4", net.JoinHostPort(address, "22"), soon)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	greeting := make([]byte, 4)
	_, err = io.ReadFull(conn, greeting)
	require.NoError(t, err)
	assert.Equal(t, "SSH-", string(greeting))
}
