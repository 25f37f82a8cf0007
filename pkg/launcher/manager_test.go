// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/statedir"
)

func TestPowerBecomesState(t *testing.T) {
	for name, test := range map[string]struct {
		power      Power
		ran        bool
		stopping   bool
		wantState  api.State
		wantReason string
	}{
		"defined":                        {PowerOff, false, false, api.StateStarting, ""},
		"being set up":                   {PowerBeginning, false, false, api.StateStarting, ""},
		"failed to start":                {PowerNotStarted, false, false, api.StateStarting, ""},
		"libvirt died while it started":  {PowerDied, false, false, api.StateStarting, ""},
		"running":                        {PowerRunning, true, false, api.StateRunning, ""},
		"paused":                         {PowerPaused, true, false, api.StatePaused, api.ReasonPausedByUser},
		"full disk":                      {PowerPausedIOError, true, false, api.StatePaused, api.ReasonPausedIOError},
		"asked to stop":                  {PowerRunning, true, true, api.StateStopping, ""},
		"process still ends":             {PowerEnding, true, false, api.StateStopping, ""},
		"powered off":                    {PowerShutDown, true, false, api.StateSucceeded, ""},
		"panicked":                       {PowerCrashed, true, false, api.StateFailed, api.ReasonGuestCrashed},
		"died":                           {PowerDied, true, false, api.StateFailed, api.ReasonProcessDied},
		"destroyed":                      {PowerDestroyed, true, false, api.StateFailed, api.ReasonKilled},
		"node rebooted":                  {PowerOff, true, false, api.StateFailed, api.ReasonProcessDied},
		"node rebooted while it stopped": {PowerOff, true, true, api.StateSucceeded, ""},
		"undefined by somebody":          {PowerGone, true, false, api.StateFailed, api.ReasonProcessDied},
	} {
		t.Run(name, func(t *testing.T) {
			record := statedir.Record{}
			if test.ran {
				record.StartedAt = now()
			}
			if test.stopping {
				record.Deadline = now().Add(time.Hour)
			}
			record.End = endOf(&record, test.power)
			status := (&guest{record: record, power: test.power}).status()
			assert.Equal(t, test.wantState, status.State)
			assert.Equal(t, test.wantReason, status.Reason)
		})
	}
}

func TestNothingIsKnownBeforeLibvirtWasAsked(t *testing.T) {
	b := newBench(t)
	b.start(t)
	b.hypervisor.setUp(false)
	b.begin(t)
	_, err := b.List()
	assert.Equal(t, api.ErrorLibvirtUnavailable, api.ReasonFor(err))
	_, err = b.Start(t.Context(), b.request(t))
	assert.Equal(t, api.ErrorLibvirtUnavailable, api.ReasonFor(err))
	assert.Equal(t, api.ErrorLibvirtUnavailable, api.ReasonFor(b.Delete(testKey(), testUID)))
	assert.False(t, b.Health(1).Libvirt)
	assert.Equal(t, "libvirt is down; start it", b.Health(1).Message)
	b.hypervisor.setUp(true)
	b.Connected()
	assert.Equal(t, api.StateRunning, b.status(t).State)
}

func TestDomainIsFoundWithoutItsRecord(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	before := b.status(t)
	require.NoError(t, os.RemoveAll(filepath.Join(b.dir, "state", "domains")))
	b.begin(t)
	found := b.status(t)
	found.StartedAt = before.StartedAt
	assert.Equal(t, before, found)
	b.hypervisor.set(uuid, PowerShutDown)
	b.Changed(uuid)
	require.Eventually(t, func() bool { return b.status(t).State == api.StateSucceeded }, time.Second, time.Millisecond)
}

func TestBrokenRecordOfNoDomainIsRemoved(t *testing.T) {
	b := newBench(t)
	dir := filepath.Join(b.dir, "state", "domains", string(testUID))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "record.json"), []byte("{"), 0o600))
	b.begin(t)
	assert.NoDirExists(t, dir)
	list, err := b.List()
	require.NoError(t, err)
	assert.Empty(t, list)
}

func TestEndIsRememberedWhenLibvirtForgetsIt(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	b.hypervisor.set(uuid, PowerCrashed)
	b.Connected()
	assert.Equal(t, 1, b.hypervisor.count(ActionDestroy), "the process of a guest that crashed is ended")
	b.hypervisor.set(uuid, PowerOff) // libvirt was restarted
	b.begin(t)
	assert.Equal(t, api.ReasonGuestCrashed, b.status(t).Reason)
}

func TestEventsAboutForeignDomainsAreIgnored(t *testing.T) {
	b := newBench(t)
	b.start(t)
	b.Changed("a2b3c4d5-0000-4000-8000-000000000001")
	assert.Equal(t, api.StateRunning, b.status(t).State)
}
