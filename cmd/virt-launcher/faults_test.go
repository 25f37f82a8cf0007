// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

func TestGuestSurvivesItsLauncher(t *testing.T) {
	n := newNode(t)
	request := n.startGuest(t, "web")
	before := n.await(t, request, api.StateRunning)
	pids := launchertest.GuestPIDs(t, uuidOf(request))
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		require.NoError(t, n.launcher.Process.Signal(signal))
		_ = n.launcher.Wait()
		assert.Equal(t, pids, launchertest.GuestPIDs(t, uuidOf(request)))
		n.startLauncher(t)
		assert.Equal(t, before, n.await(t, request, api.StateRunning))
		n.say(t, request, "still here")
	}
}

// TestLauncherKilledWhileItStartsAGuest kills the launcher at moments from before it did anything to after
// it was done. However far it came, the next start ends with one guest.
func TestLauncherKilledWhileItStartsAGuest(t *testing.T) {
	n := newNode(t)
	for step := range 12 {
		request := n.newInstance(t, fmt.Sprintf("web-%d", step))
		started := make(chan error, 1)
		go func() {
			_, err := n.Start(t.Context(), request)
			started <- err
		}()
		select {
		case <-time.After(time.Duration(step) * 60 * time.Millisecond):
		case <-started:
		}
		n.killLauncher()
		n.startLauncher(t)
		n.startUntilItWorks(t, request)
		n.await(t, request, api.StateRunning)
		n.awaitLog(t, request, launchertest.GuestReady)
		assert.Len(t, launchertest.GuestPIDs(t, uuidOf(request)), 1)
		require.NoError(t, n.Delete(t.Context(), "test", request.Instance.Name, request.Instance.UID))
		n.assertNothingLeft(t, request)
	}
}

func TestEndIsFoundByTheNextLauncher(t *testing.T) {
	n := newNode(t)
	off, crashed, killed := n.startGuest(t, "off"), n.startGuest(t, "crashed"), n.startGuest(t, "killed")
	consoleOff, consoleCrashed := n.openConsole(t, off), n.openConsole(t, crashed)
	n.killLauncher()
	write(t, consoleOff, launchertest.GuestPowerOff)
	write(t, consoleCrashed, launchertest.GuestPanic)
	require.NoError(t, syscall.Kill(launchertest.GuestPIDs(t, uuidOf(killed))[0], syscall.SIGKILL))
	require.Eventually(t, func() bool {
		return n.libvirt.Virsh(t, "domstate", uuidOf(off)) == "shut off" &&
			n.libvirt.Virsh(t, "domstate", uuidOf(crashed)) == "crashed" &&
			n.libvirt.Virsh(t, "domstate", uuidOf(killed)) == "shut off"
	}, soon, 50*time.Millisecond)
	n.startLauncher(t)
	assert.Equal(t, api.StateSucceeded, n.await(t, off, api.StateSucceeded, api.StateFailed).State)
	assert.Equal(t, api.ReasonGuestCrashed, n.await(t, crashed, api.StateSucceeded, api.StateFailed).Reason)
	assert.Equal(t, api.ReasonProcessDied, n.await(t, killed, api.StateSucceeded, api.StateFailed).Reason)
}

func TestGracePeriodGoesOnInTheNextLauncher(t *testing.T) {
	n := newNode(t)
	request := n.startGuest(t, "web")
	n.say(t, request, launchertest.GuestDeaf)
	begin := time.Now()
	n.shutdown(t, request, 4)
	n.killLauncher()
	n.startLauncher(t)
	status := n.await(t, request, api.StateSucceeded, api.StateFailed)
	assert.Equal(t, api.ReasonKilled, status.Reason)
	assert.GreaterOrEqual(t, time.Since(begin), 4*time.Second-100*time.Millisecond)
}

func TestGuestSurvivesLibvirt(t *testing.T) {
	n := newNode(t)
	request := n.startGuest(t, "web")
	n.libvirt.Kill()
	health := n.awaitHealth(t, false)
	assert.Contains(t, health.Message, "libvirt")
	assert.Equal(t, api.ErrorLibvirtUnavailable, api.ReasonFor(n.do(t, api.ActionPause)))
	_, err := n.Start(t.Context(), n.newInstance(t, "other"))
	assert.Equal(t, api.ErrorLibvirtUnavailable, api.ReasonFor(err))
	n.say(t, request, "the console needs no libvirt")
	n.libvirt.Start(t)
	n.awaitHealth(t, true)
	require.NoError(t, n.do(t, api.ActionPause))
	assert.Len(t, launchertest.GuestPIDs(t, uuidOf(request)), 1)
}

func TestLibvirtIsStartedWhereNobodyElseDoes(t *testing.T) {
	machine, n := launchertest.NewMachine(t), newDirs(t, "test")
	n.run(t, machine.Command(append([]string{os.Args[0]}, n.args()...)...))
	request := n.startGuest(t, "web")
	machine.KillLibvirt()
	n.awaitHealth(t, true)
	require.Eventually(t, func() bool { return n.do(t, api.ActionPause) == nil }, soon, 10*time.Millisecond)
	assert.Len(t, launchertest.GuestPIDs(t, uuidOf(request)), 1)
	require.NoError(t, n.do(t, api.ActionUnpause))
	n.say(t, request, "still here")
	n.startGuest(t, "another")
}

func TestEndWhileLibvirtWasAwayIsTold(t *testing.T) {
	n := newNode(t)
	off, killed := n.startGuest(t, "off"), n.startGuest(t, "killed")
	n.libvirt.Kill()
	write(t, n.openConsole(t, off), launchertest.GuestPowerOff)
	require.NoError(t, syscall.Kill(launchertest.GuestPIDs(t, uuidOf(killed))[0], syscall.SIGKILL))
	require.Eventually(t, func() bool { return len(launchertest.GuestPIDs(t, uuidOf(killed))) == 0 }, soon, 10*time.Millisecond)
	n.libvirt.Start(t)
	assert.Equal(t, api.StateSucceeded, n.await(t, off, api.StateSucceeded, api.StateFailed).State)
	assert.Equal(t, api.ReasonProcessDied, n.await(t, killed, api.StateSucceeded, api.StateFailed).Reason)
}

// TestLibvirtKilledWhileAGuestStarts kills libvirt at several moments; the agent tries until it works.
func TestLibvirtKilledWhileAGuestStarts(t *testing.T) {
	n := newNode(t)
	for step := range 6 {
		request := n.newInstance(t, fmt.Sprintf("web-%d", step))
		started := make(chan error, 1)
		go func() {
			_, err := n.Start(t.Context(), request)
			started <- err
		}()
		select {
		case <-time.After(time.Duration(step) * 100 * time.Millisecond):
		case <-started:
		}
		n.libvirt.Kill()
		n.libvirt.Start(t)
		n.startUntilItWorks(t, request)
		assert.Len(t, launchertest.GuestPIDs(t, uuidOf(request)), 1)
		require.NoError(t, n.Delete(t.Context(), "test", request.Instance.Name, request.Instance.UID))
	}
}

// startUntilItWorks is what the node's agent does about a start that was cut short.
func (n *node) startUntilItWorks(t *testing.T, request *api.StartRequest) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, err := n.Start(t.Context(), request)
		return err == nil && status.State == api.StateRunning
	}, soon, 100*time.Millisecond)
}

func TestForeignDomainsAreLeftAlone(t *testing.T) {
	n := newNode(t)
	ours, sameName, sameUUID := n.startGuest(t, "ours"), n.newInstance(t, "same-name"), n.newInstance(t, "same-uuid")
	n.define(t, "test_same-name", "a2b3c4d5-0000-4000-8000-000000000001")
	n.define(t, "foreign", uuidOf(sameUUID))
	for _, request := range []*api.StartRequest{sameName, sameUUID} {
		_, err := n.Start(t.Context(), request)
		assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))
		assert.ErrorContains(t, err, "was made by somebody else")
		require.NoError(t, n.Delete(t.Context(), "test", request.Instance.Name, request.Instance.UID))
	}
	assert.Len(t, strings.Fields(n.libvirt.Virsh(t, "list", "--all", "--name")), 3)

	other := newDirs(t, "other")
	other.libvirt = n.libvirt
	other.startFirstLauncher(t)
	list, err := other.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list, "another launcher's domains are not there")
	require.NoError(t, other.Delete(t.Context(), "test", "ours", ours.Instance.UID))
	clash := other.newInstance(t, "ours")
	_, err = other.Start(t.Context(), clash)
	assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))
	assert.ErrorContains(t, err, `launcher "test"`)
	assert.Len(t, launchertest.GuestPIDs(t, uuidOf(ours)), 1)
}

// define makes a domain as somebody else would.
func (n *node) define(t *testing.T, name, uuid string) {
	t.Helper()
	file := filepath.Join(n.dir, name+".xml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil,
		`<domain type="qemu"><name>%s</name><uuid>%s</uuid><memory>32768</memory><os><type machine="q35">hvm</type></os></domain>`, name, uuid), 0o600))
	n.libvirt.Virsh(t, "define", file)
}

func TestTwoInstancesCannotHaveOneUUID(t *testing.T) {
	n := newNode(t)
	first, second := n.startGuest(t, "first"), n.newInstance(t, "second")
	second.Instance.Spec.Domain.Firmware.UUID = first.Instance.Spec.Domain.Firmware.UUID
	_, err := n.Start(t.Context(), second)
	assert.Equal(t, api.ErrorConflict, api.ReasonFor(err))
	require.NoError(t, n.Delete(t.Context(), "test", "second", second.Instance.UID))
	assert.Len(t, launchertest.GuestPIDs(t, uuidOf(first)), 1)
	n.await(t, first, api.StateRunning)
}

func TestClosedDirectoryIsNamedWithItsRemedy(t *testing.T) {
	n := newNode(t)
	request := n.newInstance(t, "web")
	volumes := filepath.Join(n.dir, "volumes")
	require.NoError(t, os.Chmod(volumes, 0o700))
	_, err := n.Start(t.Context(), request)
	assert.Equal(t, api.ErrorStartFailed, api.ReasonFor(err))
	require.ErrorContains(t, err, "chmod o+x "+volumes)
	n.assertNothingLeft(t, request)
	require.NoError(t, os.Chmod(volumes, 0o711))
	_, err = n.Start(t.Context(), request)
	require.NoError(t, err, "a start that failed can be tried again")
}

func TestOneDiskCannotHaveTwoWriters(t *testing.T) {
	n := newNode(t)
	first, second := n.startGuest(t, "first"), n.newInstance(t, "second")
	second.Disks = first.Disks
	_, err := n.Start(t.Context(), second)
	assert.Equal(t, api.ErrorStartFailed, api.ReasonFor(err))
	// Libvirt does not give a disk in use to another's user; where it did, QEMU's lock would keep it.
	require.ErrorContains(t, err, "already in use")
	n.say(t, first, "still here")
}
