// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// timed runs a test on a clock of its own, with an instance that runs.
func timed(t *testing.T, test func(t *testing.T, b *bench, uuid string)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		test(t, b, b.start(t))
	})
}

func (b *bench) shutdown(t *testing.T, grace int64) {
	t.Helper()
	require.NoError(t, b.Shutdown(testKey(), api.ShutdownRequest{GracePeriodSeconds: grace}))
}

func TestPowerButtonIsPressedUntilTheGuestIsOff(t *testing.T) {
	timed(t, func(t *testing.T, b *bench, uuid string) {
		b.shutdown(t, 60)
		synctest.Wait()
		assert.Equal(t, 1, b.hypervisor.count(ActionPowerButton))
		assert.Equal(t, api.StateStopping, b.status(t).State)
		time.Sleep(3*buttonPeriod + time.Second)
		assert.Equal(t, 4, b.hypervisor.count(ActionPowerButton))
		b.hypervisor.set(uuid, PowerShutDown)
		b.Changed(uuid)
		time.Sleep(time.Minute)
		assert.Equal(t, api.StateSucceeded, b.status(t).State)
		assert.Equal(t, 4, b.hypervisor.count(ActionPowerButton))
		assert.Zero(t, b.hypervisor.count(ActionDestroy))
	})
}

func TestGuestIsEndedAfterItsGracePeriod(t *testing.T) {
	timed(t, func(t *testing.T, b *bench, _ string) {
		b.shutdown(t, 30)
		time.Sleep(29 * time.Second)
		assert.Equal(t, api.StateStopping, b.status(t).State)
		time.Sleep(2 * time.Second)
		status := b.status(t)
		assert.Equal(t, api.StateFailed, status.State)
		assert.Equal(t, api.ReasonKilled, status.Reason)
		assert.Contains(t, status.Message, "grace period")
	})
}

func TestEarlierDeadlineCounts(t *testing.T) {
	for name, graces := range map[string][]int64{"shortened": {3600, 10}, "not prolonged": {10, 3600}} {
		t.Run(name, func(t *testing.T) {
			timed(t, func(t *testing.T, b *bench, _ string) {
				for _, grace := range graces {
					b.shutdown(t, grace)
				}
				time.Sleep(9 * time.Second)
				assert.Equal(t, api.StateStopping, b.status(t).State)
				time.Sleep(2 * time.Second)
				assert.Equal(t, api.StateFailed, b.status(t).State)
			})
		})
	}
}

func TestEndlessGracePeriodDoesNotOverflow(t *testing.T) {
	timed(t, func(t *testing.T, b *bench, _ string) {
		b.shutdown(t, 1<<62)
		time.Sleep(time.Hour)
		assert.Equal(t, api.StateStopping, b.status(t).State)
	})
}

func TestDeadlineIsKeptByTheNextLauncher(t *testing.T) {
	timed(t, func(t *testing.T, b *bench, _ string) {
		b.shutdown(t, 30)
		time.Sleep(20 * time.Second)
		b.begin(t)
		time.Sleep(9 * time.Second)
		assert.Equal(t, api.StateStopping, b.status(t).State)
		time.Sleep(2 * time.Second)
		assert.Equal(t, api.StateFailed, b.status(t).State)
	})
}

func TestGuestIsEndedWhenLibvirtIsBack(t *testing.T) {
	timed(t, func(t *testing.T, b *bench, _ string) {
		b.shutdown(t, 10)
		b.hypervisor.setUp(false)
		time.Sleep(time.Minute)
		assert.Equal(t, api.StateStopping, b.status(t).State)
		b.hypervisor.setUp(true)
		b.Connected()
		time.Sleep(2 * killRetryPeriod)
		assert.Equal(t, api.ReasonKilled, b.status(t).Reason)
	})
}

func TestGuestWithoutACPIIsEndedAtOnceAndSucceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		request := b.request(t)
		request.Instance.Spec.Domain.Features.ACPI = &kubevirtv1.FeatureState{Enabled: ptr.To(false)}
		_, err := b.Start(t.Context(), request)
		require.NoError(t, err)
		b.shutdown(t, 3600)
		assert.Equal(t, api.StateSucceeded, b.status(t).State)
		assert.Zero(t, b.hypervisor.count(ActionPowerButton))
	})
}

func TestGuestThatNeverStartedIsStoppedForGood(t *testing.T) {
	b := newBench(t)
	b.hypervisor.fail[ActionStart] = ErrUnavailable
	_, err := b.Start(t.Context(), b.request(t))
	require.Error(t, err)
	delete(b.hypervisor.fail, ActionStart)
	b.shutdown(t, 30)
	assert.Equal(t, api.ReasonKilled, b.status(t).Reason)
	status, err := b.Start(t.Context(), b.request(t))
	require.NoError(t, err)
	assert.Equal(t, api.StateFailed, status.State)
	assert.Equal(t, 1, b.hypervisor.count(ActionStart))
}

func TestShutdownOfWhatEndedChangesNothing(t *testing.T) {
	b := newBench(t)
	uuid := b.start(t)
	b.hypervisor.set(uuid, PowerShutDown)
	b.shutdown(t, 0)
	assert.Equal(t, api.StateSucceeded, b.status(t).State)
	assert.Zero(t, b.hypervisor.count(ActionDestroy))
}

func TestDeleteIsWholeOrTriedAgain(t *testing.T) {
	b := newBench(t)
	b.start(t)
	b.hypervisor.fail[ActionUndefine] = errors.New("libvirt has a bad day")
	require.ErrorContains(t, b.Delete(testKey(), testUID), "bad day")
	assert.Equal(t, api.ReasonKilled, b.status(t).Reason)
	delete(b.hypervisor.fail, ActionUndefine)
	require.NoError(t, b.Delete(testKey(), testUID))
	b.assertEmpty(t)
	require.NoError(t, b.Delete(testKey(), testUID))
}

func TestControlNeedsAGuestThatRuns(t *testing.T) {
	b := newBench(t)
	for name, do := range map[string]func() error{
		"pause":   func() error { return b.Pause(testTarget()) },
		"unpause": func() error { return b.Unpause(testTarget()) },
		"reset":   func() error { return b.Reset(testTarget()) },
	} {
		assert.Equal(t, api.ErrorNotFound, api.ReasonFor(do()), name)
	}
	uuid := b.start(t)
	require.NoError(t, b.Pause(testTarget()))
	require.NoError(t, b.Pause(testTarget()))
	assert.Equal(t, 1, b.hypervisor.count(ActionPause))
	assert.Equal(t, api.StatePaused, b.status(t).State)
	require.NoError(t, b.Unpause(testTarget()))
	require.NoError(t, b.Unpause(testTarget()))
	assert.Equal(t, 1, b.hypervisor.count(ActionUnpause))
	require.NoError(t, b.Reset(testTarget()))
	b.hypervisor.set(uuid, PowerShutDown)
	assert.Equal(t, api.ErrorNotRunning, api.ReasonFor(b.Reset(testTarget())))
}

func TestControlReachesOnlyTheInstanceThatIsMeant(t *testing.T) {
	b := newBench(t)
	b.start(t)
	target := testTarget()
	target.UID = testUID
	require.NoError(t, b.Pause(target))
	target.UID = otherUID
	for name, do := range map[string]func(api.Target) error{
		"pause": b.Pause, "unpause": b.Unpause, "reset": b.Reset, "soft reboot": b.SoftReboot,
	} {
		assert.Equal(t, api.ErrorConflict, api.ReasonFor(do(target)), name)
	}
	assert.Equal(t, api.StatePaused, b.status(t).State)
}

func TestSoftRebootNeedsProcessorsThatRun(t *testing.T) {
	b := newBench(t)
	b.start(t)
	require.NoError(t, b.SoftReboot(testTarget()))
	require.NoError(t, b.Pause(testTarget()))
	err := b.SoftReboot(testTarget())
	assert.Equal(t, api.ErrorNotRunning, api.ReasonFor(err))
	assert.ErrorContains(t, err, "paused")
	assert.Equal(t, 1, b.hypervisor.count(ActionSoftReboot))
}

func TestEveryCallHasAHandler(t *testing.T) {
	handlers := NewServer(newBench(t).Manager, nil, nil).calls()
	assert.ElementsMatch(t, api.Actions(), slices.Collect(maps.Keys(handlers)))
}
