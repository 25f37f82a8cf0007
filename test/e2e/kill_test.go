// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

const (
	// waveSize machines are made waveGap apart before something is killed, so that it dies while they are at
	// different steps between create and Running.
	waveSize = 8
	waveGap  = 250 * time.Millisecond
)

// victim is something that is killed; revive is what an init system does then, if it is an init system's.
type victim struct {
	name   string
	kill   func(*testing.T, *server)
	revive func(*testing.T, *server)
}

func victims() []victim {
	killLauncher := func(t *testing.T, s *server) {
		pid := s.LauncherPID()
		require.NotZero(t, pid)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	start := func(t *testing.T, s *server) { require.NoError(t, s.Start()) }
	return []victim{
		{"server", func(_ *testing.T, s *server) { s.Kill() }, start},
		{"launcher", killLauncher, func(*testing.T, *server) {}},
		{"libvirtd", func(_ *testing.T, s *server) { s.libvirt.Kill() }, func(t *testing.T, s *server) { s.libvirt.Start(t) }},
		{"everything", func(t *testing.T, s *server) {
			s.Kill()
			killLauncher(t, s)
			s.libvirt.Kill()
		}, func(t *testing.T, s *server) {
			s.libvirt.Start(t)
			start(t, s)
		}},
	}
}

// TestOneGuestWhateverIsKilled kills each process while machines are on their way to Running, and others run.
// Afterwards each machine has one guest, which was started once, and those that ran never noticed.
func TestOneGuestWhateverIsKilled(t *testing.T) {
	t.Parallel()
	s := startServerOnOwnLibvirt(t)
	p := s.newSpace(t)
	held := holdImage(t)
	ran := map[string]int{}
	for _, victim := range victims() {
		steps := p.makeWave(victim.name, held.url)
		victim.kill(t, s)
		t.Logf("%s killed with machines at these steps: %s", victim.name, steps)
		victim.revive(t, s)
		held.release()
		p.assertSettled(ran)
		held.hold()
	}
}

// makeWave makes a wave of machines, the last of which is stuck in its import, and tells how far they came.
func (p *space) makeWave(name, heldURL string) string {
	p.t.Helper()
	stuck := tinyMachine(name+"-stuck", kubevirtv1.RunStrategyAlways)
	stuck.Spec.DataVolumeTemplates[0].Spec.Source.HTTP.URL = heldURL
	p.create(stuck)
	ticker := time.NewTicker(waveGap)
	defer ticker.Stop()
	for i := range waveSize {
		<-ticker.C
		p.create(tinyMachine(fmt.Sprintf("%s-%d", name, i), kubevirtv1.RunStrategyAlways))
	}
	instances, err := p.Virt.KubevirtV1().VirtualMachineInstances(p.name).List(p.t.Context(), metav1.ListOptions{})
	require.NoError(p.t, err)
	count := map[string]int{"no instance": waveSize + 1}
	for _, instance := range instances.Items {
		if strings.HasPrefix(instance.Name, name+"-") {
			count["no instance"]--
			count[string(instance.Status.Phase)+" "+instance.Status.Reason]++
		}
	}
	var steps []string
	for _, step := range slices.Sorted(maps.Keys(count)) {
		steps = append(steps, fmt.Sprintf("%d × %s", count[step], strings.TrimSpace(step)))
	}
	return strings.Join(steps, ", ")
}

// assertSettled waits until all machines run, and sees to it that each has one guest that was started once, and
// that those which ran before have the process that they had. It notes all processes in ran.
func (p *space) assertSettled(ran map[string]int) {
	p.t.Helper()
	machines, err := p.Virt.KubevirtV1().VirtualMachines(p.name).List(p.t.Context(), metav1.ListOptions{})
	require.NoError(p.t, err)
	for _, machine := range machines.Items {
		instance := p.awaitRunning(machine.Name, nil)
		p.awaitConsole(instance, launchertest.GuestReady)
		assert.Equal(p.t, 1, strings.Count(p.consoleLog(instance), launchertest.GuestReady), "%s was started again", machine.Name)
		pids := guestPIDs(p.name, machine.Name)
		if assert.Len(p.t, pids, 1, machine.Name) {
			if pid, before := ran[machine.Name]; before {
				assert.Equal(p.t, pid, pids[0], "%s has another guest", machine.Name)
			}
			ran[machine.Name] = pids[0]
		}
		assert.Equal(p.t, []types.UID{machine.UID}, ownersOf(instance), machine.Name)
	}
	assert.Len(p.t, p.domains(p.t, p.name), len(machines.Items))
}

func ownersOf(instance *kubevirtv1.VirtualMachineInstance) []types.UID {
	var uids []types.UID
	for _, owner := range instance.OwnerReferences {
		uids = append(uids, owner.UID)
	}
	return uids
}
