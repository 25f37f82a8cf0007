// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	always = kubevirtv1.RunStrategyAlways
	halted = kubevirtv1.RunStrategyHalted
	manual = kubevirtv1.RunStrategyManual
	rerun  = kubevirtv1.RunStrategyRerunOnFailure
	once   = kubevirtv1.RunStrategyOnce

	// none stands for no instance at all.
	none = kubevirtv1.VirtualMachineInstancePhase("none")
)

// TestEachStrategyActsOnEachPhase has no requests and no history but that the strategy was acted on before.
func TestEachStrategyActsOnEachPhase(t *testing.T) {
	phases := []kubevirtv1.VirtualMachineInstancePhase{
		none, "", kubevirtv1.Pending, kubevirtv1.Scheduling, kubevirtv1.Scheduled, kubevirtv1.Running,
		kubevirtv1.Unknown, kubevirtv1.Succeeded, kubevirtv1.Failed,
	}
	for strategy, want := range map[kubevirtv1.VirtualMachineRunStrategy][]action{
		always: {start, nothing, nothing, nothing, nothing, nothing, nothing, stop, stop},
		halted: {nothing, stop, stop, stop, stop, stop, stop, stop, stop},
		manual: {nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing},
		rerun:  {nothing, nothing, nothing, nothing, nothing, nothing, nothing, stop, nothing},
		once:   {nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing},
	} {
		for i, phase := range phases {
			t.Run(string(strategy)+"/"+string(phase), func(t *testing.T) {
				machine := newMachine(strategy, acted(strategy))
				var instance *kubevirtv1.VirtualMachineInstance
				if phase != none {
					instance = instanceOf(machine, phase, onceRan)
				}
				assert.Equal(t, want[i], decide(observe(machine, instance), now).action)
				if instance != nil {
					deleted(instance)
					assert.Equal(t, nothing, decide(observe(machine, instance), now).action, "while the instance is being ended")
				}
			})
		}
	}
}

func TestRequestsAreActedOnInTheirOrder(t *testing.T) {
	type requests = []kubevirtv1.VirtualMachineStateChangeRequest
	var (
		stopIt    = stopRequest(instanceUID)
		stopOther = stopRequest("another")
		startIt   = startRequest(false)
		paused    = startRequest(true)
	)
	for name, test := range map[string]struct {
		strategy kubevirtv1.VirtualMachineRunStrategy
		phase    kubevirtv1.VirtualMachineInstancePhase
		requests requests
		action   action
		paused   bool
		left     requests
	}{
		"start of a manual machine":                    {manual, none, requests{startIt}, start, false, requests{startIt}},
		"paused start of a manual machine":             {manual, none, requests{paused}, start, true, requests{paused}},
		"start is done when the instance lives":        {manual, kubevirtv1.Scheduled, requests{startIt}, nothing, false, nil},
		"stop of a manual machine":                     {manual, kubevirtv1.Running, requests{stopIt}, stop, false, requests{stopIt}},
		"stop is done when the instance is gone":       {manual, none, requests{stopIt}, nothing, false, nil},
		"stop of an instance before this one is done":  {manual, kubevirtv1.Running, requests{stopOther}, nothing, false, nil},
		"restart stops first":                          {manual, kubevirtv1.Running, requests{stopIt, startIt}, stop, false, requests{stopIt, startIt}},
		"restart starts then":                          {manual, none, requests{stopIt, startIt}, start, false, requests{startIt}},
		"restart is done":                              {manual, kubevirtv1.Pending, requests{stopOther, startIt}, nothing, false, nil},
		"start after a run makes room":                 {manual, kubevirtv1.Succeeded, requests{stopIt, startIt}, stop, false, requests{stopIt, startIt}},
		"start alone after a run makes room, too":      {manual, kubevirtv1.Failed, requests{startIt}, stop, false, requests{startIt}},
		"restart of a machine that always runs":        {always, kubevirtv1.Running, requests{stopIt, startIt}, stop, false, requests{stopIt, startIt}},
		"stop alone restarts a machine that runs":      {always, kubevirtv1.Running, requests{stopIt}, stop, false, requests{stopIt}},
		"paused start of a machine that always runs":   {always, none, requests{paused}, start, true, requests{paused}},
		"stop of a machine that reruns":                {rerun, kubevirtv1.Running, requests{stopIt}, stop, false, requests{stopIt}},
		"stopped machine that reruns stays":            {rerun, none, requests{stopIt}, nothing, false, nil},
		"start of a machine that reruns":               {rerun, none, requests{startIt}, start, false, requests{startIt}},
		"failed machine that was asked to stop":        {rerun, kubevirtv1.Failed, requests{stopIt}, stop, false, requests{stopIt}},
		"failed machine that is to rerun":              {rerun, kubevirtv1.Failed, requests{startIt}, stop, false, requests{startIt}},
		"halted machine has no use for a start":        {halted, none, requests{startIt}, nothing, false, nil},
		"halted machine stops":                         {halted, kubevirtv1.Running, requests{startIt}, stop, false, nil},
		"machine that ran once has no use for a start": {once, none, requests{startIt}, nothing, false, nil},
		"machine that runs once can be stopped":        {once, kubevirtv1.Running, requests{stopIt}, stop, false, requests{stopIt}},
		"request that nobody knows is dropped":         {manual, none, requests{{Action: "Dance"}, startIt}, start, false, requests{startIt}},
		"stop that names no instance means this one":   {manual, kubevirtv1.Running, requests{{Action: kubevirtv1.StopRequest}}, stop, false, requests{{Action: kubevirtv1.StopRequest}}},
	} {
		t.Run(name, func(t *testing.T) {
			machine := newMachine(test.strategy, acted(test.strategy), withRequests(test.requests...))
			var instance *kubevirtv1.VirtualMachineInstance
			if test.phase != none {
				instance = instanceOf(machine, test.phase, onceRan)
			}
			d := decide(observe(machine, instance), now)
			assert.Equal(t, test.action, d.action)
			assert.Equal(t, test.paused, d.paused)
			assert.Equal(t, test.left, d.requests)
			assert.Zero(t, d.again)
		})
	}
}

func TestStrategiesThatStartByThemselvesOnlyOnce(t *testing.T) {
	for _, strategy := range []kubevirtv1.VirtualMachineRunStrategy{rerun, once} {
		for _, before := range []kubevirtv1.VirtualMachineRunStrategy{"", always, halted, manual, rerun, once} {
			want := start
			if before == strategy {
				want = nothing
			}
			assert.Equal(t, want, decide(observe(newMachine(strategy, acted(before)), nil), now).action, "%s after %q", strategy, before)
		}
	}
}

func TestRerunIsStoredBeforeTheFailedInstanceGoes(t *testing.T) {
	machine := newMachine(rerun, acted(rerun))
	d := decide(observe(machine, instanceOf(machine, kubevirtv1.Failed, onceRan)), now)
	assert.Equal(t, nothing, d.action)
	assert.Equal(t, []kubevirtv1.VirtualMachineStateChangeRequest{startRequest(false)}, d.requests)

	d = decide(observe(machine, instanceOf(machine, kubevirtv1.Failed, onceRan, deleted)), now)
	assert.Empty(t, d.requests, "it failed because it was being ended")
	d = decide(observe(machine, instanceOf(machine, kubevirtv1.Succeeded, onceRan)), now)
	assert.Empty(t, d.requests)
}

func TestMachineWaitsForAStartThatFailed(t *testing.T) {
	retry := now.Add(40 * time.Second)
	for name, test := range map[string]struct {
		strategy kubevirtv1.VirtualMachineRunStrategy
		phase    kubevirtv1.VirtualMachineInstancePhase
		now      time.Time
		action   action
		again    time.Duration
	}{
		"the instance stays to be looked at": {always, kubevirtv1.Failed, now, nothing, 40 * time.Second},
		"then it goes":                       {always, kubevirtv1.Failed, retry, stop, 0},
		"or it went":                         {always, none, now.Add(15 * time.Second), nothing, 25 * time.Second},
		"then another is made":               {always, none, retry.Add(time.Second), start, 0},
		"a rerun waits, too":                 {rerun, kubevirtv1.Failed, now, nothing, 40 * time.Second},
		"halting does not wait":              {halted, kubevirtv1.Failed, now, stop, 0},
		"what a person asked for is at once": {manual, none, now, start, 0},
	} {
		t.Run(name, func(t *testing.T) {
			machine := newMachine(test.strategy, acted(test.strategy), failedStarts(2, instanceUID, retry))
			if test.strategy == manual || test.strategy == rerun {
				withRequests(startRequest(false))(machine)
			}
			var instance *kubevirtv1.VirtualMachineInstance
			if test.phase != none {
				instance = instanceOf(machine, test.phase)
			}
			d := decide(observe(machine, instance), test.now)
			assert.Equal(t, test.action, d.action)
			assert.Equal(t, test.again, d.again)
		})
	}
	machine := newMachine(always, failedStarts(2, instanceUID, retry), withRequests(stopRequest(instanceUID)))
	assert.Equal(t, stop, decide(observe(machine, instanceOf(machine, kubevirtv1.Failed)), now).action, "a stop request does not wait")
}

func TestDeletionEndsTheInstanceFirst(t *testing.T) {
	orphaned := func(machine *kubevirtv1.VirtualMachine) {
		machine.Finalizers = append(machine.Finalizers, metav1.FinalizerOrphanDependents)
	}
	released := func(machine *kubevirtv1.VirtualMachine) { machine.Finalizers = nil }
	machine := newMachine(always)
	running := instanceOf(machine, kubevirtv1.Running)
	foreign := instanceOf(machine, kubevirtv1.Running)
	foreign.OwnerReferences = nil
	for name, test := range map[string]struct {
		changes  []func(*kubevirtv1.VirtualMachine)
		instance *kubevirtv1.VirtualMachineInstance
		want     action
	}{
		"running":                    {nil, running, stop},
		"being ended":                {nil, instanceOf(machine, kubevirtv1.Running, deleted), nothing},
		"gone":                       {nil, nil, finish},
		"of somebody else":           {nil, foreign, finish},
		"to be orphaned":             {[]func(*kubevirtv1.VirtualMachine){orphaned}, running, orphan},
		"nothing to orphan":          {[]func(*kubevirtv1.VirtualMachine){orphaned}, nil, finish},
		"somebody else's finalizers": {[]func(*kubevirtv1.VirtualMachine){released}, running, nothing},
	} {
		t.Run(name, func(t *testing.T) {
			machine := newMachine(always, append(test.changes, deletedMachine, withDisk("disk"))...)
			d := decide(observe(machine, test.instance), now)
			assert.Equal(t, test.want, d.action)
			assert.Empty(t, d.dataVolumes)
		})
	}
}

func TestDataVolumesAreMadeAtOnceUnlessPutOff(t *testing.T) {
	putOff := func(machine *kubevirtv1.VirtualMachine) {
		machine.Annotations = map[string]string{immediateDataVolumesAnnotation: "false"}
	}
	names := func(d decision) []string {
		var names []string
		for _, template := range d.dataVolumes {
			names = append(names, template.ObjectMeta.Name)
		}
		return names
	}
	both := []func(*kubevirtv1.VirtualMachine){withDisk("a"), withDisk("b")}
	assert.Equal(t, []string{"a", "b"}, names(decide(observe(newMachine(halted, both...), nil), now)))
	assert.Equal(t, []string{"b"}, names(decide(observe(newMachine(always, both...), nil, dataVolume("a", cdiv1.Succeeded)), now)))

	both = append(both, putOff)
	machine := newMachine(halted, both...)
	assert.Empty(t, names(decide(observe(machine, nil), now)))
	assert.Empty(t, names(decide(observe(machine, instanceOf(machine, kubevirtv1.Succeeded)), now)))
	assert.Equal(t, []string{"a", "b"}, names(decide(observe(newMachine(always, both...), nil), now)))
	assert.Equal(t, []string{"a", "b"}, names(decide(observe(machine, instanceOf(machine, kubevirtv1.Pending)), now)))
}
