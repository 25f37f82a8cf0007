// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

func TestGuestRunsUntilItIsAskedToStop(t *testing.T) {
	n := newNode(t)
	request := n.newInstance(t, "web")
	status, err := n.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, api.StateRunning, status.State)
	assert.Equal(t, map[string]string{"root": "vda"}, status.Targets)
	assert.Regexp(t, `^pc-q35-\d`, status.Machine)
	assert.Contains(t, []string{"kvm", "tcg"}, status.Accelerator)
	assert.Equal(t, ptr.Deref(request.Instance.Spec.Domain.Devices.Interfaces[0].MacAddress, ""), status.Interfaces[0].MAC)
	assert.WithinDuration(t, time.Now(), status.StartedAt, soon)
	n.awaitLog(t, request, launchertest.GuestReady)

	again, err := n.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, status, again, "a start of what runs changes nothing")
	assert.Len(t, launchertest.GuestPIDs(t, uuidOf(request)), 1)

	n.say(t, request, "hello")
	n.shutdown(t, request, 60)
	ended := n.await(t, request, api.StateSucceeded, api.StateFailed)
	assert.Equal(t, api.StateSucceeded, ended.State, ended.Message)

	again, err = n.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, api.StateSucceeded, again.State, "an instance runs once")

	require.NoError(t, n.Delete(t.Context(), "test", "web", request.Instance.UID))
	require.NoError(t, n.Delete(t.Context(), "test", "web", request.Instance.UID))
	n.assertNothingLeft(t, request)
}

func (n *node) assertNothingLeft(t *testing.T, request *api.StartRequest) {
	t.Helper()
	list, err := n.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list)
	assert.Empty(t, n.libvirt.Virsh(t, "list", "--all", "--name"))
	assert.Empty(t, launchertest.GuestPIDs(t, uuidOf(request)))
	for _, dir := range []string{"state/domains", "r"} {
		entries, err := os.ReadDir(filepath.Join(n.dir, dir))
		require.NoError(t, err)
		assert.Empty(t, entries, dir)
	}
}

func TestHowAGuestEndedIsTold(t *testing.T) {
	n := newNode(t)
	for name, test := range map[string]struct {
		end        func(t *testing.T, request *api.StartRequest)
		wantState  api.State
		wantReason string
	}{
		"power-off": {
			func(t *testing.T, r *api.StartRequest) { n.say(t, r, launchertest.GuestPowerOff) },
			api.StateSucceeded, ""},
		"panic": {
			func(t *testing.T, r *api.StartRequest) { n.say(t, r, launchertest.GuestPanic) },
			api.StateFailed, api.ReasonGuestCrashed},
		"killed-from-outside": {
			func(t *testing.T, r *api.StartRequest) {
				require.NoError(t, syscall.Kill(launchertest.GuestPIDs(t, uuidOf(r))[0], syscall.SIGKILL))
			},
			api.StateFailed, api.ReasonProcessDied},
		"destroyed-by-somebody": {
			func(t *testing.T, r *api.StartRequest) { n.libvirt.Virsh(t, "destroy", uuidOf(r)) },
			api.StateFailed, api.ReasonKilled},
		"no-grace": {
			func(t *testing.T, r *api.StartRequest) { n.shutdown(t, r, 0) },
			api.StateFailed, api.ReasonKilled},
		"deaf": {
			func(t *testing.T, r *api.StartRequest) {
				n.say(t, r, launchertest.GuestDeaf)
				n.shutdown(t, r, 2)
			},
			api.StateFailed, api.ReasonKilled},
		"grace-cut-short": {
			func(t *testing.T, r *api.StartRequest) {
				n.say(t, r, launchertest.GuestDeaf)
				n.shutdown(t, r, 3600)
				n.await(t, r, api.StateStopping)
				n.shutdown(t, r, 1)
				n.shutdown(t, r, 3600)
			},
			api.StateFailed, api.ReasonKilled},
	} {
		t.Run(name, func(t *testing.T) {
			request := n.startGuest(t, name)
			test.end(t, request)
			status := n.await(t, request, api.StateSucceeded, api.StateFailed)
			assert.Equal(t, test.wantState, status.State)
			assert.Equal(t, test.wantReason, status.Reason)
			assert.Equal(t, test.wantState == api.StateFailed, status.Message != "", "a failure has a message")
			require.NoError(t, n.Delete(t.Context(), "test", name, request.Instance.UID))
		})
	}
}

func TestGuestIsPausedAndReset(t *testing.T) {
	n := newNode(t)
	request := n.startGuest(t, "web")
	for range 2 { // both are idempotent
		require.NoError(t, n.do(t, api.ActionPause))
	}
	paused := n.await(t, request, api.StatePaused)
	assert.Equal(t, api.ReasonPausedByUser, paused.Reason)
	for range 2 {
		require.NoError(t, n.do(t, api.ActionUnpause))
	}
	n.await(t, request, api.StateRunning)
	console := n.console(t, request)
	require.NoError(t, n.do(t, api.ActionReset))
	expect(t, console, launchertest.GuestReady)
	n.await(t, request, api.StateRunning)
}

func TestGuestStartsPausedWhereAskedTo(t *testing.T) {
	n := newNode(t)
	request := n.newInstance(t, "web")
	paused := kubevirtv1.StartStrategyPaused
	request.Instance.Spec.StartStrategy = &paused
	status, err := n.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, api.StatePaused, status.State)
	require.NoError(t, n.do(t, api.ActionUnpause))
	n.awaitLog(t, request, launchertest.GuestReady)
}

func TestNewerSessionTakesTheConsoleOver(t *testing.T) {
	n := newNode(t)
	request := n.startGuest(t, "web")
	first := n.console(t, request)
	_, err := io.WriteString(first, "one")
	require.NoError(t, err)
	expect(t, first, "one")
	second := n.console(t, request)
	_, err = first.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "the older session is closed")
	_, err = io.WriteString(second, "two")
	require.NoError(t, err)
	expect(t, second, "two")
}

func TestScreenSpeaksRFB(t *testing.T) {
	n := newNode(t)
	n.startGuest(t, "web")
	for range 2 { // the second takes over
		screen, err := n.VNC(t.Context(), api.Target{Namespace: "test", Name: "web"})
		require.NoError(t, err)
		defer screen.Close()
		require.NoError(t, screen.SetDeadline(time.Now().Add(soon)))
		expect(t, screen, "RFB 003.008\n")
	}
}

func TestScreenshotShowsTheScreen(t *testing.T) {
	n := newNode(t)
	n.startGuest(t, "web")
	screen, err := n.VNC(t.Context(), api.Target{Namespace: "test", Name: "web"})
	require.NoError(t, err)
	defer screen.Close()
	require.NoError(t, screen.SetDeadline(time.Now().Add(soon)))
	expect(t, screen, "RFB 003.008\n")
	for _, request := range []api.ScreenshotRequest{{}, {MoveCursor: true}} {
		var taken api.Screenshot
		require.NoError(t, n.Call(t.Context(), api.Target{Namespace: "test", Name: "web"}, api.ActionScreenshot, request, &taken))
		picture, err := png.Decode(bytes.NewReader(taken.PNG))
		require.NoError(t, err)
		assert.Greater(t, picture.Bounds().Dx(), 100)
	}
	_, err = io.WriteString(screen, "RFB 003.008\n")
	require.NoError(t, err)
	expect(t, screen, "\x01\x01") // who watches is left alone
}
