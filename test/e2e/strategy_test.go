// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// ending is a way in which a guest ends by itself.
type ending struct {
	name  string
	end   func(p *space, machine string)
	phase kubevirtv1.VirtualMachineInstancePhase
}

func tinyEndings() []ending {
	say := func(what string) func(*space, string) {
		return func(p *space, machine string) { p.openConsole(machine).send(what) }
	}
	return []ending{
		{"power-off", say(launchertest.GuestPowerOff), kubevirtv1.Succeeded},
		{"crash", say(launchertest.GuestPanic), kubevirtv1.Failed},
		{"killed", (*space).killGuest, kubevirtv1.Failed},
	}
}

// killGuest kills the one process that runs a guest.
func (p *space) killGuest(machine string) {
	p.t.Helper()
	pids := guestPIDs(p.name, machine)
	require.Len(p.t, pids, 1)
	require.NoError(p.t, syscall.Kill(pids[0], syscall.SIGKILL))
}

func TestEndOfAGuestLeadsToWhatTheStrategySays(t *testing.T) {
	t.Parallel()
	for strategy, runsAgainAfter := range map[kubevirtv1.VirtualMachineRunStrategy]func(ending) bool{
		kubevirtv1.RunStrategyAlways:         func(ending) bool { return true },
		kubevirtv1.RunStrategyRerunOnFailure: func(e ending) bool { return e.phase == kubevirtv1.Failed },
		kubevirtv1.RunStrategyManual:         func(ending) bool { return false },
		kubevirtv1.RunStrategyOnce:           func(ending) bool { return false },
	} {
		for _, ending := range tinyEndings() {
			t.Run(string(strategy)+"/"+ending.name, func(t *testing.T) {
				t.Parallel()
				p := suite.server.newSpace(t)
				first := p.startTiny("web", strategy)
				ending.end(p, "web")
				if runsAgainAfter(ending) {
					p.awaitConsole(p.awaitRunning("web", first), launchertest.GuestReady)
				} else if strategy == kubevirtv1.RunStrategyRerunOnFailure {
					p.awaitNoInstance("web")
					p.awaitStatus("web", kubevirtv1.VirtualMachineStatusStopped)
					p.plugin("start", "web")
					p.awaitRunning("web", first)
				} else {
					p.assertEnded("web", first, ending.phase)
				}
				p.assertEndWasTold("web", ending.phase)
			})
		}
	}
}

// startTiny makes a machine and waits until its guest listens.
func (p *space) startTiny(name string, strategy kubevirtv1.VirtualMachineRunStrategy) *kubevirtv1.VirtualMachineInstance {
	p.t.Helper()
	p.create(tinyMachine(name, strategy))
	if strategy == kubevirtv1.RunStrategyManual {
		p.awaitStatus(name, kubevirtv1.VirtualMachineStatusStopped)
		p.plugin("start", name)
	}
	instance := p.awaitRunning(name, nil)
	p.awaitConsole(instance, launchertest.GuestReady)
	return instance
}

// assertEnded says that a machine's instance ended in that phase, and stays so until somebody starts it, if the
// strategy lets one.
func (p *space) assertEnded(name string, first *kubevirtv1.VirtualMachineInstance, phase kubevirtv1.VirtualMachineInstancePhase) {
	p.t.Helper()
	p.awaitPhase(name, phase)
	machine := p.awaitStatus(name, kubevirtv1.VirtualMachineStatusStopped)
	assert.False(p.t, machine.Status.Ready)
	harness.AssertStays(p.t, 2*time.Second, func() bool { return p.instance(name).UID == first.UID }, "it was started again")
	assert.Empty(p.t, guestPIDs(p.name, name))
	if machine.EffectiveRunStrategy() == kubevirtv1.RunStrategyOnce {
		_, message, err := p.tryPlugin("start", name)
		require.Error(p.t, err)
		assert.Contains(p.t, message, "Once does not support manual start requests")
		return
	}
	p.plugin("start", name)
	p.awaitRunning(name, first)
}

// assertEndWasTold looks for the event of an end.
func (p *space) assertEndWasTold(name string, phase kubevirtv1.VirtualMachineInstancePhase) {
	p.t.Helper()
	want := "Normal Stopped"
	if phase == kubevirtv1.Failed {
		want = "Warning Stopped"
	}
	p.awaitEvents("VirtualMachineInstance", name, want)
}

// TestLinuxRunsAgainHoweverItEnds has a kernel's own panic and power-off.
func TestLinuxRunsAgainHoweverItEnds(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.create(linuxMachine("web", kubevirtv1.RunStrategyAlways))
	instance := p.awaitRunning("web", nil)
	for _, ending := range []ending{
		{"power-off", func(p *space, _ string) { p.loginTo("web").send("sudo poweroff\r") }, kubevirtv1.Succeeded},
		{"panic", func(p *space, _ string) {
			p.loginTo("web").send("sudo sh -c 'echo c >/proc/sysrq-trigger'\r")
		}, kubevirtv1.Failed},
		{"killed", (*space).killGuest, kubevirtv1.Failed},
	} {
		ending.end(p, "web")
		instance = p.awaitRunning("web", instance)
		p.assertEndWasTold("web", ending.phase)
	}
	p.awaitConsole(instance, "virt-guest ready web")
}

// loginTo opens the console of the small Linux and logs in.
func (p *space) loginTo(machine string) *console {
	p.t.Helper()
	console := p.openConsole(machine)
	console.login("tester", "secret")
	return console
}

func TestStrategyIsChangedWhileTheGuestRuns(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	p.create(tinyMachine("web", kubevirtv1.RunStrategyHalted))
	p.kubectl("wait", "dv/web-root", "--for=condition=Ready", "--timeout=300s")
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusStopped)
	_, err := p.Virt.KubevirtV1().VirtualMachineInstances(p.name).Get(t.Context(), "web", metav1.GetOptions{})
	assert.ErrorContains(t, err, "not found")

	p.kubectl("patch", "vm", "web", "--type=merge", "-p", `{"spec":{"runStrategy":"Always"}}`)
	p.awaitRunning("web", nil)
	p.kubectl("patch", "vm", "web", "--type=merge", "-p", `{"spec":{"runStrategy":"Halted"}}`)
	p.awaitNoInstance("web")
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusStopped)
	p.kubectl("patch", "vm", "web", "--type=merge", "-p", `{"spec":{"runStrategy":null,"running":true}}`)
	p.awaitRunning("web", nil)
	p.kubectl("patch", "vm", "web", "--type=merge", "-p", `{"spec":{"running":false}}`)
	p.awaitNoInstance("web")
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusStopped)
}

func TestMachineThatIsMadeAgainAdoptsItsGuest(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	first := p.startTiny("web", kubevirtv1.RunStrategyAlways)
	guest := guestPIDs(p.name, "web")
	p.kubectl("delete", "vm", "web", "--cascade=orphan")
	p.create(tinyMachine("web", kubevirtv1.RunStrategyAlways))
	p.awaitStatus("web", kubevirtv1.VirtualMachineStatusRunning)
	assert.Equal(t, first.UID, p.instance("web").UID)
	assert.Equal(t, guest, guestPIDs(p.name, "web"))
	p.plugin("restart", "web")
	p.awaitRunning("web", first)
}

// A guest that ignores its power button is ended after its grace period.
func TestDeafGuestIsEndedAfterItsGracePeriod(t *testing.T) {
	t.Parallel()
	p := suite.server.newSpace(t)
	machine := tinyMachine("web", kubevirtv1.RunStrategyAlways)
	grace := int64(2)
	machine.Spec.Template.Spec.TerminationGracePeriodSeconds = &grace
	p.create(machine)
	p.awaitConsole(p.awaitRunning("web", nil), launchertest.GuestReady)
	console := p.openConsole("web")
	console.send(launchertest.GuestDeaf)
	console.expect(launchertest.GuestDeaf, "")
	p.plugin("stop", "web")
	p.awaitNoInstance("web")
	assert.Empty(t, guestPIDs(p.name, "web"))
	p.awaitEvents("VirtualMachineInstance", "web", "Normal ShuttingDown")
}
