// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

const (
	statusWrite   = "update virtualmachines/status"
	instanceMade  = "create virtualmachineinstances"
	instanceEnded = "delete virtualmachineinstances"
	machineMade   = "create virtualmachines"
)

func TestMachineStartsWithTwoStatusWrites(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(always))
		require.NotNil(w, w.server.Instance("vm"))
		assert.Equal(w, []string{machineMade, instanceMade}, w.server.Writes())
		w.enters(kubevirtv1.Scheduled)
		w.after(time.Second)
		assert.EqualValues(w, "Starting", w.shows())
		w.enters(kubevirtv1.Running)
		w.after(time.Minute)

		assert.Equal(w, []string{statusWrite, statusWrite}, w.server.Writes())
		status := w.status()
		assert.EqualValues(w, "Running", status.PrintableStatus)
		assert.True(w, status.Created)
		assert.True(w, status.Ready)
		assert.Equal(w, always, status.RunStrategy)
		assert.EqualValues(w, 1, status.DesiredGeneration)
		assert.EqualValues(w, 1, status.ObservedGeneration)
		assert.Equal(w, []string{"Normal SuccessfulCreate Started the virtual machine by creating the new virtual machine instance vm"}, w.events())
	})
}

func TestMachineThatStartsAtOnceNeedsOneStatusWrite(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(always))
		w.enters(kubevirtv1.Scheduled)
		w.after(200 * time.Millisecond)
		w.enters(kubevirtv1.Running)
		w.after(time.Minute)
		assert.Equal(w, []string{machineMade, instanceMade, statusWrite}, w.server.Writes())
		assert.EqualValues(w, "Running", w.shows())
	})
}

func TestControllerThatTakesOverWritesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(once))
		w.enters(kubevirtv1.Running)
		w.after(time.Minute)
		w.server.Writes()
		w.stop()
		w.run()
		w.after(time.Minute)
		assert.Empty(w, w.server.Writes())
	})
}

func TestMachineIsMadeAnewWhenItsGuestEnds(t *testing.T) {
	for _, phase := range []kubevirtv1.VirtualMachineInstancePhase{kubevirtv1.Succeeded, kubevirtv1.Failed} {
		inWorld(t, func(w *world) {
			w.create(newMachine(always))
			w.enters(kubevirtv1.Running)
			w.after(time.Minute)
			w.server.Writes()
			first := w.server.Instance("vm").UID
			w.enters(phase)
			w.ends()
			second := w.server.Instance("vm")
			require.NotNil(w, second)
			assert.NotEqual(w, first, second.UID)
			w.enters(kubevirtv1.Running)
			w.after(time.Minute)
			assert.Equal(w, []string{instanceEnded, instanceMade, statusWrite}, w.server.Writes(), "the end passed before it was written")
			assert.EqualValues(w, "Running", w.shows())
		})
	}
}

func TestFailedGuestIsRerunAlsoByAnotherController(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(rerun))
		w.enters(kubevirtv1.Running)
		w.server.EditInstance("vm", func(instance *kubevirtv1.VirtualMachineInstance) {
			instance.Finalizers = append(instance.Finalizers, "test/wait")
		})
		w.enters(kubevirtv1.Failed)
		assert.NotNil(w, w.server.Instance("vm").DeletionTimestamp)
		assert.Equal(w, []kubevirtv1.VirtualMachineStateChangeRequest{startRequest(false)}, w.status().StateChangeRequests)

		w.stop()
		w.server.EditInstance("vm", func(instance *kubevirtv1.VirtualMachineInstance) { instance.Finalizers = nil })
		require.Nil(w, w.server.Instance("vm"))
		w.run()
		require.NotNil(w, w.server.Instance("vm"))
		w.after(time.Second)
		assert.Empty(w, w.status().StateChangeRequests)

		w.enters(kubevirtv1.Running)
		w.enters(kubevirtv1.Succeeded)
		w.ends()
		w.after(time.Hour)
		assert.Nil(w, w.server.Instance("vm"), "upstream deletes it, too, and starts no other")
		assert.EqualValues(w, "Stopped", w.shows())
	})
}

func TestMachineRunsOnlyOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(once))
		w.enters(kubevirtv1.Running)
		require.NoError(w, w.server.KubevirtV1().VirtualMachineInstances("ns").Delete(w.Context(), "vm", metav1.DeleteOptions{}))
		w.settled()
		w.ends()
		w.after(time.Hour)
		assert.Nil(w, w.server.Instance("vm"))
		assert.EqualValues(w, "Stopped", w.shows())
	})
}

func TestManualMachineDoesAsItIsAsked(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(manual))
		w.after(time.Minute)
		require.Nil(w, w.server.Instance("vm"))
		assert.EqualValues(w, "Stopped", w.shows())

		w.edit(withRequests(startRequest(true)))
		first := w.server.Instance("vm")
		require.NotNil(w, first)
		assert.Equal(w, kubevirtv1.StartStrategyPaused, *first.Spec.StartStrategy)
		assert.Empty(w, w.status().StateChangeRequests, "another request can be made at once")

		w.enters(kubevirtv1.Running)
		w.edit(withRequests(stopRequest(first.UID), startRequest(false)))
		assert.Len(w, w.status().StateChangeRequests, 2)
		w.after(time.Second)
		assert.EqualValues(w, "Stopping", w.shows())
		w.ends()
		second := w.server.Instance("vm")
		require.NotNil(w, second)
		assert.Nil(w, second.Spec.StartStrategy)
		assert.Empty(w, w.status().StateChangeRequests)

		w.enters(kubevirtv1.Running)
		w.edit(withRequests(stopRequest(second.UID)))
		w.ends()
		w.after(time.Minute)
		assert.Nil(w, w.server.Instance("vm"))
		assert.Empty(w, w.status().StateChangeRequests)
		assert.EqualValues(w, "Stopped", w.shows())
		condition := w.server.Machine("vm").Status.Conditions[0]
		assert.Equal(w, "VMINotExists", condition.Reason)
		assert.Equal(w, corev1.ConditionFalse, condition.Status)
	})
}

func TestStartsThatFailComeAtLongerIntervals(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(always))
		w.server.Writes()
		for failed := 1; failed <= 3; failed++ {
			w.enters(kubevirtv1.Failed)
			w.after(time.Second)
			assert.EqualValues(w, "CrashLoopBackOff", w.shows())
			assert.Equal(w, failed, w.status().StartFailure.ConsecutiveFailCount)
			least := time.Duration(failed*failed) * 10 * time.Second
			w.after(least - 2*time.Second)
			require.Nil(w, w.server.Instance("vm").DeletionTimestamp, "too soon after %d failures", failed)
			w.after(least/2 + 2*time.Second)
			w.ends()
			require.NotNil(w, w.server.Instance("vm"))
		}
		w.enters(kubevirtv1.Running)
		assert.Nil(w, w.status().StartFailure)
		assert.EqualValues(w, "Running", w.shows())
	})
}

func TestHaltedMachineStopsAndStays(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(always))
		w.enters(kubevirtv1.Running)
		w.events()
		w.edit(func(machine *kubevirtv1.VirtualMachine) { *machine.Spec.RunStrategy = halted })
		w.ends()
		w.after(time.Minute)
		assert.Nil(w, w.server.Instance("vm"))
		assert.EqualValues(w, "Stopped", w.shows())
		assert.Equal(w, []string{"Normal SuccessfulDelete Stopped the virtual machine by deleting the virtual machine instance vm"}, w.events())
	})
}

func TestSpecOfAMachineIsNeverWritten(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(rerun, withDisk("disk")))
		before := w.server.Machine("vm")
		w.enters(kubevirtv1.Running)
		w.enters(kubevirtv1.Failed)
		w.ends()
		w.after(time.Minute)
		after := w.server.Machine("vm")
		assert.Equal(w, before.Spec, after.Spec)
		assert.Equal(w, before.Generation, after.Generation)
		assert.Equal(w, before.Annotations, after.Annotations)
		assert.NotContains(w, w.server.Writes(), "update virtualmachines")
	})
}
