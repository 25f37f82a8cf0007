// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestStartFailuresAreCountedOncePerInstance(t *testing.T) {
	machine := newMachine(always)
	failed := instanceOf(machine, kubevirtv1.Failed)
	first := countStartFailure(observe(machine, failed), always, now)
	require.NotNil(t, first)
	assert.Equal(t, 1, first.ConsecutiveFailCount)
	assert.Equal(t, instanceUID, first.LastFailedVMIUID)
	assert.WithinRange(t, first.RetryAfterTimestamp.Time, now.Add(10*time.Second), now.Add(15*time.Second))

	machine.Status.StartFailure = first
	assert.Same(t, first, countStartFailure(observe(machine, failed), always, now.Add(time.Minute)), "seen again")
	assert.Same(t, first, countStartFailure(observe(machine, nil), always, now))

	next := instanceOf(machine, kubevirtv1.Pending, func(i *kubevirtv1.VirtualMachineInstance) { i.UID = "next" })
	assert.Same(t, first, countStartFailure(observe(machine, next), always, now), "it may fail, too")
	next.Status.Phase = kubevirtv1.Failed
	second := countStartFailure(observe(machine, next), always, now)
	assert.Equal(t, 2, second.ConsecutiveFailCount)
	assert.WithinRange(t, second.RetryAfterTimestamp.Time, now.Add(40*time.Second), now.Add(60*time.Second))
}

func TestStartFailuresAreForgotten(t *testing.T) {
	machine := newMachine(always, failedStarts(3, "before", now))
	assert.Nil(t, countStartFailure(observe(machine, instanceOf(machine, kubevirtv1.Running)), always, now), "it runs")
	assert.Nil(t, countStartFailure(observe(machine, instanceOf(machine, kubevirtv1.Failed, onceRan)), always, now), "it ran")
	assert.Nil(t, countStartFailure(observe(machine, nil), halted, now), "it is not to run")
	assert.Nil(t, countStartFailure(observe(machine, instanceOf(machine, kubevirtv1.Failed)), manual, now), "nothing repeats it")
	assert.NotNil(t, countStartFailure(observe(machine, nil), rerun, now))
}

func TestInstanceThatIsEndedHasNotFailedToStart(t *testing.T) {
	machine := newMachine(always)
	assert.Nil(t, countStartFailure(observe(machine, instanceOf(machine, kubevirtv1.Failed, deleted)), always, now))
}

func TestStartDelayGrowsUpToItsLimit(t *testing.T) {
	for failed, least := range map[int]time.Duration{
		1: 10 * time.Second, 2: 40 * time.Second, 3: 90 * time.Second, 5: 250 * time.Second, 6: 300 * time.Second,
		31: 300 * time.Second, 1 << 40: 300 * time.Second,
	} {
		for _, uid := range []types.UID{"a", "b", "c", "d"} {
			delay := startDelay(failed, uid)
			assert.GreaterOrEqual(t, delay, least, "%d failures", failed)
			assert.LessOrEqual(t, delay, min(least*3/2, 300*time.Second), "%d failures", failed)
			assert.Equal(t, delay, startDelay(failed, uid))
		}
	}
	assert.NotEqual(t, startDelay(2, "a"), startDelay(2, "b"), "machines that failed together start apart")
}
