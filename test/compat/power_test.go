// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// tinyManifest is of a machine that does not run.
const tinyManifest = `
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: web
spec:
  runStrategy: Halted
  dataVolumeTemplates:
  - metadata: {name: web-root}
    spec:
      source: {http: {url: IMAGE}}
      storage: {resources: {requests: {storage: 16Mi}}}
  template:
    spec:
      terminationGracePeriodSeconds: 300
      domain:
        memory: {guest: 32Mi}
        devices:
          disks:
          - name: root
            disk: {bus: virtio}
      volumes:
      - name: root
        dataVolume: {name: web-root}
`

func startTiny(t *testing.T, m *machine) {
	t.Helper()
	m.apply(t, strings.ReplaceAll(tinyManifest, "IMAGE", suite.Images.URL(harness.TinyImage)))
}

// conflict is how a request that comes at the wrong time is refused.
func conflict(kind, text string) string {
	return "Operation cannot be fulfilled on " + kind + `.kubevirt.io "web": ` + text
}

func powerCommands() []command {
	return []command{
		{"start", works, "", checkStart},
		{"pause", works, "", checkPause},
		{"unpause", works, "", checkUnpause},
		{"reset", works, "", checkReset},
		{"restart", works, "", checkRestart},
		{"restart --force", works, "", checkForcedRestart},
		{"stop", works, "", checkStop},
		{"start --paused", works, "", checkStartPaused},
		{"stop --grace-period", works, "", checkStopSooner},
		{"stop --force", works, "", checkForcedStop},
	}
}

func checkStart(c *check) {
	c.virtctl([]string{"start", "web", "--dry-run"}, "Dry Run execution", "VM web was scheduled to start")
	c.awaitStatus(c, kubevirtv1.VirtualMachineStatusStopped)
	c.virtctl([]string{"start", "web"}, "VM web was scheduled to start")
	c.awaitSaid(c, c.awaitRunning(c, nil), launchertest.GuestReady, 1)
	c.refused([]string{"start", "web"}, "Error starting VirtualMachine", conflict("virtualmachine", "VM is already running"))
	c.refused([]string{"start", "nobody"}, `virtualmachine.kubevirt.io "nobody" not found`)
}

func checkPause(c *check) {
	c.virtctl([]string{"pause", "vm", "web", "--dry-run"}, "Dry Run execution")
	c.awaitPaused(c, false)
	c.virtctl([]string{"pause", "vm", "web"}, "VMI web was scheduled to pause")
	c.awaitPaused(c, true)
	c.awaitStatus(c, kubevirtv1.VirtualMachineStatusPaused)
	c.refused([]string{"pause", "vmi", "web"}, "Error pausing VirtualMachineInstance web", conflict("virtualmachineinstance", "VMI is already paused"))
}

func checkUnpause(c *check) {
	c.virtctl([]string{"unpause", "vm", "web"}, "VMI web was scheduled to unpause")
	c.awaitPaused(c, false)
	c.refused([]string{"unpause", "vmi", "web"}, "Error unpausing VirtualMachineInstance web", conflict("virtualmachineinstance", "VMI is not paused"))
}

func checkReset(c *check) {
	instance := c.awaitRunning(c, nil)
	c.virtctl([]string{"reset", "web"}, "VMI web was scheduled to reset")
	c.awaitSaid(c, instance, launchertest.GuestReady, 2)
	assert.Equal(c, instance.UID, c.awaitRunning(c, nil).UID, "it is the same instance")
}

func checkRestart(c *check) {
	first := c.awaitRunning(c, nil)
	c.virtctl([]string{"restart", "web"}, "VM web was scheduled to restart")
	c.awaitSaid(c, c.awaitRunning(c, first), launchertest.GuestReady, 1)
}

// deafen has the guest ignore its power button, so that it ends only where that is forced.
func deafen(c *check) {
	terminal, leave := c.onTerminal("console", "web")
	terminal.Expect("Successfully connected", "")
	terminal.Send(launchertest.GuestDeaf)
	terminal.Expect(launchertest.GuestDeaf, launchertest.GuestDeaf)
	leave()
}

func checkForcedRestart(c *check) {
	c.refused([]string{"restart", "web", "--force"}, "Must both use --force=true and set --grace-period.")
	first := c.awaitRunning(c, nil)
	deafen(c)
	c.virtctl([]string{"restart", "web", "--force", "--grace-period=0"}, "VM web was scheduled to restart")
	c.awaitSaid(c, c.awaitRunning(c, first), launchertest.GuestReady, 1)
}

func checkStop(c *check) {
	c.virtctl([]string{"stop", "web"}, "VM web was scheduled to stop")
	c.awaitStatus(c, kubevirtv1.VirtualMachineStatusStopped)
	c.refused([]string{"stop", "web"}, "error stopping VirtualMachine", conflict("virtualmachine", "VM is not running"))
	c.refused([]string{"restart", "web"}, "error restarting VirtualMachine", conflict("virtualmachine", "RunStategy Halted does not support manual restart requests"))
	c.refused([]string{"pause", "vm", "web"}, "Error pausing VirtualMachineInstance web. VirtualMachine web is not set to run")
}

func checkStartPaused(c *check) {
	c.virtctl([]string{"start", "web", "--paused"}, "VM web was scheduled to start")
	c.awaitPaused(c, true)
	c.virtctl([]string{"unpause", "vmi", "web"}, "VMI web was scheduled to unpause")
	c.awaitSaid(c, c.awaitRunning(c, nil), launchertest.GuestReady, 1)
}

func checkStopSooner(c *check) {
	deafen(c)
	c.virtctl([]string{"stop", "web"}, "VM web was scheduled to stop")
	c.awaitStatus(c, kubevirtv1.VirtualMachineStatusStopping)
	c.refused([]string{"stop", "web"}, conflict("virtualmachine", "Halted only supports manual stop requests with a shorter graceperiod"))
	c.virtctl([]string{"stop", "web", "--grace-period=1", "--force"}, "VM web was scheduled to stop")
	c.awaitStatus(c, kubevirtv1.VirtualMachineStatusStopped)
}

func checkForcedStop(c *check) {
	c.virtctl([]string{"start", "web"}, "VM web was scheduled to start")
	c.awaitSaid(c, c.awaitRunning(c, nil), launchertest.GuestReady, 1)
	deafen(c)
	c.refused([]string{"stop", "web", "--force"}, "Must both use --force=true and set --grace-period.")
	c.virtctl([]string{"stop", "web", "--force", "--grace-period=0"}, "VM web was scheduled to stop")
	c.awaitStatus(c, kubevirtv1.VirtualMachineStatusStopped)
}
