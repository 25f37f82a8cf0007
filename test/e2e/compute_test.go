// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const computeManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: crane
spec:
  runStrategy: Always
  dataVolumeTemplates:
  - metadata:
      name: crane-root
    spec:
      source:
        http:
          url: IMAGE
      storage:
        resources:
          requests:
            storage: 1Gi
  template:
    spec:
      architecture: amd64
      domain:
        ioThreadsPolicy: shared
        cpu:
          sockets: 1
          features:
          - {name: aes, policy: disable}
        memory:
          guest: 1Gi
        chassis: {manufacturer: Yard, asset: A-7}
        clock:
          timezone: Asia/Tokyo
          timer:
            hpet: {}
        firmware:
          bootloader: {efi: {secureBoot: false, persistent: true}}
        features:
          kvm: {hidden: true}
        devices:
          blockMultiQueue: true
          autoattachInputDevice: true
          rng: {}
          sound: {name: horn}
          tpm: {persistent: true}
          video: {type: bochs}
          watchdog: {name: dog, i6300esb: {action: reset}}
          disks:
          - name: root
            disk: {bus: virtio}
      volumes:
      - name: root
        dataVolume:
          name: crane-root
      - name: seed
        cloudInitNoCloud:
          userData: |
            #cloud-config
            user: clerk
            password: pencil
            chpasswd: {expire: false}
`

// pciDevices are the vendors and devices that a guest has.
const pciDevices = `for d in /sys/bus/pci/devices/*; do echo $(cat $d/vendor) $(cat $d/device); done`

func TestGuestHasWhatItsSpecNamesAndTakesMoreWhileItRuns(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.apply(strings.ReplaceAll(computeManifest, "IMAGE", suite.Images.URL(linuxImage)))
	instance := p.awaitRunning("crane", nil)
	assert.Equal(t, "1Gi", instance.Status.Memory.GuestAtBoot.String())
	console := p.openConsole("crane")
	console.login("clerk", "pencil")

	assert.Equal(t, "1", console.run("nproc"))
	assert.NotContains(t, strings.Fields(console.run("grep -m1 ^flags /proc/cpuinfo")), "aes")
	assert.Equal(t, "Yard A-7", console.run("echo $(cat /sys/class/dmi/id/chassis_vendor /sys/class/dmi/id/chassis_asset_tag)"))
	ahead, err := strconv.ParseInt(console.run("date -u +%s"), 10, 64)
	require.NoError(t, err)
	assert.InDelta(t, 9*3600, ahead-time.Now().Unix(), 600, "the guest takes its clock for UTC, which is Tokyo's time")
	assert.Contains(t, console.run("cat /sys/devices/system/clocksource/clocksource0/available_clocksource"), "hpet")
	assert.Equal(t, "efi", console.run("test -d /sys/firmware/efi && echo efi"))
	assert.Equal(t, "2", console.run("cat /sys/class/tpm/tpm0/tpm_version_major"))
	devices := console.run(pciDevices)
	for name, device := range map[string]string{
		"watchdog": "0x8086 0x25ab", "sound": "0x8086 0x293e", "video": "0x1234 0x1111", "USB for the tablet": "0x1b36 0x000d",
	} {
		assert.Contains(t, devices, device, name)
	}

	growMachine(t, p, console)

	kept := filepath.Join(p.DataDir(), "launcher", "kept", string(ptr.Deref(instance.Spec.Domain.Firmware.UUID, "")))
	assert.True(t, exists(filepath.Join(kept, "nvram.fd")))
	p.kubectl("delete", "vm", "crane", "--timeout=300s")
	assert.Eventually(t, func() bool { return !exists(kept) }, soon, tick, "nothing is kept of a machine that is gone")
}

// growMachine gives a running guest of one socket and 1Gi more of both, and asks for what only a restart brings.
func growMachine(t *testing.T, p *space, console *console) {
	console.run(`sudo sh -c "echo online_movable > /sys/devices/system/memory/auto_online_blocks"`)
	before, err := strconv.Atoi(console.run("awk '/^MemTotal/ { print $2 }' /proc/meminfo"))
	require.NoError(t, err)
	p.kubectl("patch", "vm", "crane", "--type=merge", "-p",
		`{"spec":{"template":{"spec":{"domain":{"cpu":{"sockets":2},"memory":{"guest":"1536Mi"}}}}}}`)
	instance := p.awaitInstance("crane", func(c *assert.CollectT, instance *kubevirtv1.VirtualMachineInstance) {
		assert.EqualValues(c, 2, instance.Status.CurrentCPUTopology.Sockets)
		assert.Equal(c, "1536Mi", instance.Status.Memory.GuestCurrent.String())
	})
	assert.Equal(t, "1Gi", instance.Status.Memory.GuestAtBoot.String())
	console.run(`sudo sh -c "echo 1 > /sys/devices/system/cpu/cpu1/online"`)
	assert.Equal(t, "2", console.run("nproc"))
	after, err := strconv.Atoi(console.run("awk '/^MemTotal/ { print $2 }' /proc/meminfo"))
	require.NoError(t, err)
	assert.Equal(t, 512<<10, after-before)
	p.awaitRestart("crane", "")

	p.kubectl("patch", "vm", "crane", "--type=merge", "-p", `{"spec":{"template":{"spec":{"domain":{"cpu":{"cores":2}}}}}}`)
	p.awaitRestart("crane", "a non-live-updatable field was changed in the template spec: domain.cpu.cores")
	p.kubectl("patch", "vm", "crane", "--type=json", "-p", `[{"op":"remove","path":"/spec/template/spec/domain/cpu/cores"}]`)
	p.awaitRestart("crane", "")
	assert.Equal(t, instance.UID, p.instance("crane").UID)
}

// awaitRestart waits until a machine says that it needs a restart, and why; an empty message stands for none.
func (p *space) awaitRestart(name, message string) {
	p.t.Helper()
	p.awaitMachine(name, func(c *assert.CollectT, machine *kubevirtv1.VirtualMachine) {
		assert.Equal(c, machine.Generation, machine.Status.DesiredGeneration)
		condition := machine.Status.Condition(kubevirtv1.VirtualMachineRestartRequired)
		if message == "" {
			assert.Nil(c, condition)
			return
		}
		if assert.NotNil(c, condition) {
			assert.Equal(c, corev1.ConditionTrue, condition.Status)
			assert.Equal(c, message, condition.Message)
		}
	})
}
