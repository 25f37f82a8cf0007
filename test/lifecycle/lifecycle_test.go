// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

const (
	always = kubevirtv1.RunStrategyAlways
	halted = kubevirtv1.RunStrategyHalted
	manual = kubevirtv1.RunStrategyManual
	rerun  = kubevirtv1.RunStrategyRerunOnFailure
	once   = kubevirtv1.RunStrategyOnce
)

func isReady(machine *kubevirtv1.VirtualMachine) bool { return machine.Status.Ready }

func TestFromCreateToRunningTakesAtMostSixWrites(t *testing.T) {
	w := newWorld(t)
	writes := w.countWrites()
	w.create(newMachine("vm", always))
	machine := w.untilShows("vm", kubevirtv1.VirtualMachineStatusRunning)
	assert.True(t, machine.Status.Ready)
	assert.True(t, machine.Status.Created)
	assert.EqualValues(t, 1, machine.Status.ObservedGeneration)
	// What would still come comes within a second: passing states are put off no longer.
	assert.Never(t, func() bool { return writes.Load() > 6 }, 1500*time.Millisecond, 50*time.Millisecond)
	assert.GreaterOrEqual(t, writes.Load(), int64(5))
	t.Logf("%d writes", writes.Load())
}

func TestInstanceThatIsDeletedIsSeenToEnd(t *testing.T) {
	w := newWorld(t)
	w.create(newMachine("vm", always))
	w.until("vm", "ready", isReady)
	instances := w.virt.KubevirtV1().VirtualMachineInstances(w.namespace)
	seen, err := instances.Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=vm"})
	require.NoError(t, err)
	defer seen.Stop()
	require.NoError(t, w.virt.KubevirtV1().VirtualMachines(w.namespace).Delete(t.Context(), "vm", metav1.DeleteOptions{}))
	var last kubevirtv1.VirtualMachineInstancePhase
	for event := range seen.ResultChan() {
		if event.Type == watch.Deleted {
			break
		}
		last = event.Object.(*kubevirtv1.VirtualMachineInstance).Status.Phase
	}
	assert.Equal(t, kubevirtv1.Succeeded, last)
}

func TestMachineIsWhatItsUserWrote(t *testing.T) {
	w := newWorld(t)
	created := w.create(newMachine("vm", always))
	machine := w.until("vm", "ready", isReady)
	assert.Equal(t, created.Spec, machine.Spec)
	assert.Equal(t, created.Annotations, machine.Annotations)
	assert.EqualValues(t, 1, machine.Generation)

	manifest := newMachine("vm", always)
	manifest.APIVersion, manifest.Kind = "kubevirt.io/v1", "VirtualMachine"
	body, err := json.Marshal(manifest)
	require.NoError(t, err)
	for range 2 {
		applied, err := w.virt.KubevirtV1().VirtualMachines(w.namespace).Patch(t.Context(), "vm", types.ApplyPatchType, body,
			metav1.PatchOptions{FieldManager: "gitops", Force: ptr.To(true)})
		require.NoError(t, err)
		assert.EqualValues(t, 1, applied.Generation)
	}
}

func TestGuestIsTheSameInEachRun(t *testing.T) {
	w := newWorld(t)
	w.create(newMachine("vm", manual))
	w.act("vm", "start", "")
	first := w.untilRuns("vm", "")
	require.NotEmpty(t, ptr.Deref(first.Spec.Domain.Firmware.UUID, ""))
	w.until("vm", "no request is left", func(machine *kubevirtv1.VirtualMachine) bool { return len(machine.Status.StateChangeRequests) == 0 })
	w.act("vm", "restart", "")
	second := w.untilRuns("vm", first.UID)
	assert.Equal(t, first.Spec, second.Spec)
	w.until("vm", "no request is left", func(machine *kubevirtv1.VirtualMachine) bool { return len(machine.Status.StateChangeRequests) == 0 })
	w.act("vm", "stop", `{"gracePeriod":0}`)
	// It is stopped from when its instance has ended, which goes a moment later.
	w.untilShows("vm", kubevirtv1.VirtualMachineStatusStopped)
	w.until("vm", "without an instance", func(machine *kubevirtv1.VirtualMachine) bool {
		return machine.Status.Condition(kubevirtv1.VirtualMachineReady).Reason == "VMINotExists"
	})
	assert.Nil(t, w.instance("vm"))
}

func TestStartAndStopSwitchTheStrategy(t *testing.T) {
	w := newWorld(t)
	w.create(newMachine("vm", halted))
	w.until("vm", "looked at", func(machine *kubevirtv1.VirtualMachine) bool { return machine.Status.RunStrategy == halted })
	w.act("vm", "start", `{"paused":true}`)
	instance := w.untilRuns("vm", "")
	require.NotNil(t, instance.Spec.StartStrategy)
	assert.Equal(t, kubevirtv1.StartStrategyPaused, *instance.Spec.StartStrategy)
	machine := w.until("vm", "ready", isReady)
	assert.Equal(t, always, machine.EffectiveRunStrategy())
	assert.Nil(t, machine.Status.Condition(kubevirtv1.VirtualMachineRestartRequired))

	w.act("vm", "stop", "")
	machine = w.untilShows("vm", kubevirtv1.VirtualMachineStatusStopped)
	assert.Equal(t, halted, machine.EffectiveRunStrategy())
}

func TestEndOfAGuestLeadsToWhatTheStrategySays(t *testing.T) {
	for _, test := range []struct {
		strategy kubevirtv1.VirtualMachineRunStrategy
		phase    kubevirtv1.VirtualMachineInstancePhase
		again    bool
	}{
		{always, kubevirtv1.Succeeded, true}, {always, kubevirtv1.Failed, true},
		{rerun, kubevirtv1.Succeeded, false}, {rerun, kubevirtv1.Failed, true},
		{once, kubevirtv1.Succeeded, false}, {once, kubevirtv1.Failed, false},
		{manual, kubevirtv1.Succeeded, false}, {manual, kubevirtv1.Failed, false},
	} {
		t.Run(string(test.strategy)+"/"+string(test.phase), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create(newMachine("vm", test.strategy))
			if test.strategy == manual {
				w.act("vm", "start", "")
			}
			first := w.untilRuns("vm", "")
			w.until("vm", "ready", isReady)
			w.ends("vm", test.phase)
			if test.again {
				w.untilRuns("vm", first.UID)
				w.until("vm", "ready, with nothing left to do", func(machine *kubevirtv1.VirtualMachine) bool {
					return machine.Status.Ready && len(machine.Status.StateChangeRequests) == 0
				})
				return
			}
			if test.strategy == rerun {
				require.Eventually(t, func() bool { return w.instance("vm") == nil }, soon, 10*time.Millisecond, "as upstream's")
				w.untilShows("vm", kubevirtv1.VirtualMachineStatusStopped)
				return
			}
			w.untilShows("vm", kubevirtv1.VirtualMachineStatusStopped)
			assert.Equal(t, test.phase, w.instance("vm").Status.Phase, "it stays to be looked at")
		})
	}
}

func TestGuestThatCannotStartIsShown(t *testing.T) {
	w := newWorld(t)
	machine := newMachine("vm", always)
	machine.Spec.Template.ObjectMeta = &verbatim.ObjectMeta{Annotations: map[string]string{brokenAnnotation: "true"}}
	w.create(machine)
	machine = w.untilShows("vm", kubevirtv1.VirtualMachineStatusCrashLoopBackOff)
	assert.Equal(t, 1, machine.Status.StartFailure.ConsecutiveFailCount)
	assert.True(t, machine.Status.StartFailure.RetryAfterTimestamp.After(time.Now().Add(5*time.Second)))
	assert.Equal(t, kubevirtv1.Failed, w.instance("vm").Status.Phase)
	w.act("vm", "stop", "")
	machine = w.untilShows("vm", kubevirtv1.VirtualMachineStatusStopped)
	assert.Nil(t, machine.Status.StartFailure)
}

func TestRestartIsRequiredOnlyForWhatTheGuestIsMadeFrom(t *testing.T) {
	w := newWorld(t)
	w.create(newMachine("vm", always))
	w.until("vm", "ready", isReady)
	patch := func(body string) *kubevirtv1.VirtualMachine {
		patched, err := w.virt.KubevirtV1().VirtualMachines(w.namespace).Patch(t.Context(), "vm", types.MergePatchType, []byte(body), metav1.PatchOptions{})
		require.NoError(t, err)
		return w.until("vm", "looked at", func(machine *kubevirtv1.VirtualMachine) bool {
			return machine.Status.DesiredGeneration == patched.Generation
		})
	}
	isRequired := func(machine *kubevirtv1.VirtualMachine) bool {
		return machine.Status.HasCondition(kubevirtv1.VirtualMachineRestartRequired, corev1.ConditionTrue)
	}
	machine := patch(`{"spec":{"runStrategy":"RerunOnFailure"}}`)
	assert.False(t, isRequired(machine))
	assert.EqualValues(t, 2, machine.Status.ObservedGeneration)
	machine = patch(`{"spec":{"template":{"spec":{"domain":{"cpu":{"cores":4}}}}}}`)
	assert.True(t, isRequired(machine))
	assert.EqualValues(t, 1, machine.Status.ObservedGeneration)
	machine = patch(`{"spec":{"template":{"spec":{"domain":{"cpu":null}}}}}`)
	assert.False(t, isRequired(machine))
	assert.EqualValues(t, 4, machine.Status.ObservedGeneration)
}

func TestMachineIsDeletedWithItsGuest(t *testing.T) {
	w := newWorld(t)
	w.create(newMachine("vm", always))
	w.until("vm", "ready", isReady)
	require.NoError(t, w.virt.KubevirtV1().VirtualMachines(w.namespace).Delete(t.Context(), "vm", metav1.DeleteOptions{}))
	w.untilGone("vm")
}

func TestGuestOfAnOrphaningMachineRunsOn(t *testing.T) {
	w := newWorld(t)
	w.create(newMachine("vm", always))
	w.until("vm", "ready", isReady)
	before := w.instance("vm")
	require.NoError(t, w.virt.KubevirtV1().VirtualMachines(w.namespace).Delete(t.Context(), "vm",
		metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationOrphan)}))
	require.Eventually(t, func() bool {
		machine := w.machine("vm")
		return machine == nil || len(machine.Finalizers) == 1 && machine.Finalizers[0] == metav1.FinalizerOrphanDependents
	}, soon, 10*time.Millisecond, "the controller lets the machine go")
	instance := w.instance("vm")
	require.NotNil(t, instance)
	assert.Equal(t, before.UID, instance.UID)
	assert.Nil(t, instance.DeletionTimestamp)
	assert.Empty(t, instance.OwnerReferences)
}

func TestTwoMachinesDoNotShareADisk(t *testing.T) {
	w := newWorld(t)
	w.claim("disk", corev1.ReadWriteOnce)
	withDisk := func(name string) *kubevirtv1.VirtualMachine {
		machine := newMachine(name, always)
		machine.Spec.Template.Spec.Volumes = append(machine.Spec.Template.Spec.Volumes, kubevirtv1.Volume{
			Name: "disk", VolumeSource: kubevirtv1.VolumeSource{
				PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "disk"},
			},
		})
		return machine
	}
	w.create(withDisk("first"))
	w.until("first", "ready", isReady)
	w.create(withDisk("second"))
	machine := w.untilShows("second", kubevirtv1.VirtualMachineStatusUnschedulable)
	condition := machine.Status.Condition("PodScheduled")
	require.NotNil(t, condition)
	assert.Contains(t, condition.Message, `"disk"`)
	assert.Contains(t, condition.Message, `"first" uses it`)

	w.act("first", "stop", "")
	w.untilShows("second", kubevirtv1.VirtualMachineStatusRunning)
}

func TestMissingDiskIsShown(t *testing.T) {
	w := newWorld(t)
	machine := newMachine("vm", always)
	machine.Spec.Template.Spec.Volumes = []kubevirtv1.Volume{{Name: "disk", VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "disk"},
	}}}
	w.create(machine)
	w.untilShows("vm", kubevirtv1.VirtualMachineStatusPvcNotFound)
	w.claim("disk", corev1.ReadWriteOnce)
	w.untilShows("vm", kubevirtv1.VirtualMachineStatusRunning)
}

func TestMachinesGoOnWhereAnotherControllerLeftThem(t *testing.T) {
	w := newWorld(t)
	names := []string{"a", "b", "c", "d", "e"}
	for i, name := range names {
		w.create(newMachine(name, always))
		if i%2 == 0 {
			w.stop()
			w.run()
		}
	}
	instances := map[string]types.UID{}
	for _, name := range names {
		w.until(name, "ready", isReady)
		instances[name] = w.instance(name).UID
	}
	w.stop()
	writes := w.countWrites()
	w.run()
	w.create(newMachine("last", always))
	w.until("last", "ready", isReady)
	for _, name := range names {
		assert.Equal(t, instances[name], w.instance(name).UID)
	}
	assert.LessOrEqual(t, writes.Load(), int64(len(names)*2+6), "the others are only listed")
}
