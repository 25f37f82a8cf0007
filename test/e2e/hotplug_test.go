// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const spareClaim = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: NAME
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 48Mi}}
`

// plug calls an action of an object, such as virtualmachines/vm, at the route of KubeVirt's clients.
func (p *space) plug(object, action, body string) {
	p.t.Helper()
	path := fmt.Sprintf("/apis/subresources.kubevirt.io/v1/namespaces/%s/%s/%s", p.name, object, action)
	require.NoError(p.t, p.Core.Discovery().RESTClient().Put().AbsPath(path).Body([]byte(body)).Do(p.t.Context()).Error())
}

// awaitVolume waits until a volume of a machine's instance is in a phase, or is there no more where that is "".
func (p *space) awaitVolume(machine, volume string, phase kubevirtv1.VolumePhase) kubevirtv1.VolumeStatus {
	p.t.Helper()
	var found kubevirtv1.VolumeStatus
	require.Eventually(p.t, func() bool {
		found = kubevirtv1.VolumeStatus{}
		for _, status := range p.instance(machine).Status.VolumeStatus {
			if status.Name == volume {
				found = status
			}
		}
		return found.Phase == phase
	}, patience, tick, "volume %s %s", volume, phase)
	return found
}

const emptyMachine = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: bare
spec:
  runStrategy: Always
  template:
    spec:
      terminationGracePeriodSeconds: 0
      domain:
        memory: {guest: 64Mi}
        devices: {}
      volumes:
      - name: scratch
        emptyDisk: {capacity: 16Mi}
`

// TestDiskThatWasTakenAwayCanBeUsedAgain has a guest without a system, which gives up disks at once.
func TestDiskThatWasTakenAwayCanBeUsedAgain(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.apply(emptyMachine)
	p.apply(strings.ReplaceAll(spareClaim, "NAME", "again"))
	p.awaitStatus("bare", kubevirtv1.VirtualMachineStatusRunning)
	for range 4 {
		p.plug("virtualmachineinstances/bare", "addvolume", `{"name": "again", "disk": {}, "volumeSource": {"persistentVolumeClaim": {"claimName": "again"}}}`)
		p.awaitVolume("bare", "again", kubevirtv1.VolumeReady)
		p.plug("virtualmachineinstances/bare", "removevolume", `{"name": "again"}`)
		p.awaitVolume("bare", "again", "")
	}
}

func TestDisksComeToAndLeaveARunningGuest(t *testing.T) {
	t.Parallel()
	// Its guests are on QEMU's own network, for which no network has to be made.
	flags := []string{"--container-disk-folder", suite.Folder, "--guest-network=user"}
	s := startServer(t, flags...)
	p := s.newSpace(t)
	p.applyContainerMachine("vm", "oci-archive:"+filepath.Join(suite.Folder, "linux.tar"))
	for _, name := range []string{"one", "two", "three", "four"} {
		p.apply(strings.ReplaceAll(spareClaim, "NAME", name))
	}
	p.awaitStatus("vm", kubevirtv1.VirtualMachineStatusRunning)
	first := p.instance("vm")
	console := p.openConsole("vm")
	console.login("clerk", "pencil")
	_, message, err := p.tryPlugin("port-forward", "vm/vm", "--stdio", "22")
	require.Error(t, err)
	assert.Contains(t, message, "it is not on the node's guest network")
	p.awaitEvents("VirtualMachineInstance", "vm", "Warning UserModeNetwork")
	assertLoopbackIsClosed(t, console)
	// guestHas waits for what the guest's kernel says of a disk.
	guestHas := func(device string, there bool) {
		t.Helper()
		test := "grep -q ' " + device + "$' /proc/partitions"
		if !there {
			test = "! " + test
		}
		console.run("for i in $(seq 100); do " + test + " && break; sleep 0.2; done; " + test)
	}

	p.plug("virtualmachines/vm", "addvolume", `{"name": "one", "disk": {"disk": {"bus": "scsi"}, "serial": "one"}, "volumeSource": {"persistentVolumeClaim": {"claimName": "one"}}}`)
	one := p.awaitVolume("vm", "one", kubevirtv1.VolumeReady)
	assert.NotNil(t, one.HotplugVolume)
	guestHas("sda", true)
	assert.Contains(t, console.run("cat /proc/partitions"), "49152 sda")
	p.plug("virtualmachines/vm", "addvolume", `{"name": "two", "disk": {"disk": {"bus": "virtio"}}, "volumeSource": {"persistentVolumeClaim": {"claimName": "two"}}}`)
	p.awaitVolume("vm", "two", kubevirtv1.VolumeReady)
	guestHas("vdb", true)

	// The launcher ends, and the server, while there is something to do.
	require.NoError(t, syscall.Kill(s.LauncherPID(), syscall.SIGKILL))
	s.Kill()
	require.NoError(t, s.Start(flags...))
	p.kubectl("patch", "vm", "vm", "--type=json", "-p", `[
		{"op": "add", "path": "/spec/template/spec/volumes/-", "value": {"name": "three", "persistentVolumeClaim": {"claimName": "three", "hotpluggable": true}}},
		{"op": "add", "path": "/spec/template/spec/domain/devices/disks/-", "value": {"name": "three", "disk": {"bus": "scsi"}}}]`)
	p.awaitVolume("vm", "three", kubevirtv1.VolumeReady)
	console = p.openConsole("vm") // who is logged in still is
	guestHas("sdb", true)

	// What the instance alone is given stays when the template changes, and only the instance gives it up.
	p.plug("virtualmachineinstances/vm", "addvolume", `{"name": "four", "disk": {"disk": {"bus": "scsi"}}, "volumeSource": {"persistentVolumeClaim": {"claimName": "four"}}}`)
	p.awaitVolume("vm", "four", kubevirtv1.VolumeReady)
	p.plug("virtualmachines/vm", "removevolume", `{"name": "one"}`)
	p.plug("virtualmachines/vm", "removevolume", `{"name": "two"}`)
	p.awaitVolume("vm", "one", "")
	p.awaitVolume("vm", "two", "")
	guestHas("sda", false)
	guestHas("vdb", false)
	p.awaitVolume("vm", "four", kubevirtv1.VolumeReady)
	p.plug("virtualmachineinstances/vm", "removevolume", `{"name": "four"}`)
	p.awaitVolume("vm", "four", "")
	vm := p.machine("vm")
	assert.False(t, vm.Status.HasCondition(kubevirtv1.VirtualMachineRestartRequired, corev1.ConditionTrue), "%+v", vm.Status.Conditions)
	assert.Equal(t, first.UID, p.instance("vm").UID, "it is the same run")
	p.awaitEvents("VirtualMachineInstance", "vm", "Normal VolumeReady", "Normal VolumeUnplugged")
	p.kubectl("delete", "pvc", "one", "two", "--timeout=300s")
}

// assertLoopbackIsClosed tries the host's loopback from a guest on QEMU's own network, at the address that leads there
// and, past what the guest's kernel thinks of it, at the loopback's own.
func assertLoopbackIsClosed(t *testing.T, console *console) {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer listener.Close()
	assert.Contains(t, console.run("ip -4 -o addr show eth0"), "10.0.2.15/24")
	console.run("sudo sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1/32 via 10.0.2.2'")
	for _, address := range []string{"10.0.2.2", "127.0.0.1"} {
		said := console.run(fmt.Sprintf("nc.traditional -v -n -w 3 %s %d </dev/null 2>&1; true", address, listener.Addr().(*net.TCPAddr).Port))
		assert.NotContains(t, said, "open", address)
	}
	require.NoError(t, listener.SetDeadline(time.Now()))
	_, err = listener.Accept()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "the guest reaches the host's loopback")
}

// impliedDisks is a machine such as `virtctl create vm` makes: it says nothing of disks.
const impliedDisks = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: implied
spec:
  runStrategy: Always
  template:
    spec:
      terminationGracePeriodSeconds: 0
      domain:
        memory: {guest: 192Mi}
        devices: {rng: {}}
      volumes:
      - name: root
        containerDisk: {image: IMAGE}
      - name: seed
        cloudInitNoCloud:
          userData: |
            #cloud-config
            user: clerk
            password: pencil
            chpasswd: {expire: false}
`

func TestAMachineBootsFromTheDiskThatItBootedFromBeforeItGotMore(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.apply(strings.ReplaceAll(impliedDisks, "IMAGE", "oci-archive:"+filepath.Join(suite.containers.folder, "linux.tar")))
	p.apply(strings.ReplaceAll(spareClaim, "NAME", "more"))
	p.awaitStatus("implied", kubevirtv1.VirtualMachineStatusRunning)
	p.openConsole("implied").login("clerk", "pencil")
	p.plugin("addvolume", "implied", "--volume-name", "more", "--persist")
	p.awaitVolume("implied", "more", kubevirtv1.VolumeReady)
	targets := p.targets("implied")
	assert.Equal(t, []string{"root sda", "seed sdb", "more sdc"}, targets)

	before := p.instance("implied")
	p.plugin("restart", "implied", "--force", "--grace-period", "0")
	p.awaitRunning("implied", before)
	p.openConsole("implied").login("clerk", "pencil")
	assert.Equal(t, targets, p.targets("implied"))
}

// targets are the volumes of a machine's instance with their device names.
func (p *space) targets(machine string) []string {
	p.t.Helper()
	var targets []string
	for _, volume := range p.instance(machine).Status.VolumeStatus {
		targets = append(targets, volume.Name+" "+volume.Target)
	}
	return targets
}
