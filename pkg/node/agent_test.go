// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

func TestAgentStartsAGuestWithOneWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.run()
	w.server.create(scheduled())

	vmi := w.untilPhase(kubevirtv1.Running)
	w.settle()
	stop()

	assert.Equal(t, 1, w.server.writeCount())
	require.Len(t, w.launcher.requests, 1)
	request := w.launcher.requests[0]
	assert.Equal(t, map[string]api.DiskSource{"root": {Path: "/disks/root-disk"}}, request.Disks)
	assert.Equal(t, map[string]api.Seed{"seed": {UserData: []byte("#cloud-config"), NetworkData: []byte("version: 1")}}, request.Seeds)
	assert.Equal(t, corev1.ConditionTrue, condition(vmi, kubevirtv1.VirtualMachineInstanceReady).Status)
	assert.Equal(t, corev1.ConditionTrue, condition(vmi, kubevirtv1.VirtualMachineInstanceSynchronized).Status)
	assert.Empty(t, condition(vmi, kubevirtv1.VirtualMachineInstancePaused))
	assert.Equal(t, &kubevirtv1.Machine{Type: ptr.To("pc-q35-7.2")}, vmi.Status.Machine)
	assert.Equal(t, &kubevirtv1.CPUTopology{Sockets: 1, Cores: 2, Threads: 1}, vmi.Status.CurrentCPUTopology)
	assert.Equal(t, "256Mi", vmi.Status.Memory.GuestAtBoot.String())
	require.Len(t, vmi.Status.VolumeStatus, 2)
	root := vmi.Status.VolumeStatus[0]
	assert.Equal(t, "vda", root.Target)
	assert.Equal(t, kubevirtv1.VolumeReady, root.Phase)
	assert.EqualValues(t, 2<<30, root.Size)
	assert.Equal(t, "root-disk", root.PersistentVolumeClaimInfo.ClaimName)
	require.Len(t, vmi.Status.PhaseTransitionTimestamps, 1)
	assert.Equal(t, []string{
		"Normal Created VirtualMachineInstance defined.",
		"Normal Started VirtualMachineInstance started.",
	}, w.events())
}

func TestAgentFollowsPauses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.launcher.initial = api.StatePaused
	w.run()
	w.server.create(scheduled())

	vmi := w.untilPhase(kubevirtv1.Running)
	assert.Equal(t, api.ReasonPausedByUser, condition(vmi, kubevirtv1.VirtualMachineInstancePaused).Reason)
	assert.Equal(t, corev1.ConditionFalse, condition(vmi, kubevirtv1.VirtualMachineInstanceReady).Status)

	w.launcher.change(vmKey, api.StateRunning, "", "")
	w.eventually("ready again", func() bool {
		vmi := w.server.get("vm")
		return condition(vmi, kubevirtv1.VirtualMachineInstancePaused).Type == "" &&
			condition(vmi, kubevirtv1.VirtualMachineInstanceReady).Status == corev1.ConditionTrue
	})
}

func TestAgentWritesHowAGuestEnded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		state   api.State
		reason  string
		message string
		phase   kubevirtv1.VirtualMachineInstancePhase
		event   string
	}{
		"powered off": {api.StateSucceeded, "", "", kubevirtv1.Succeeded, "Normal Stopped VirtualMachineInstance stopped."},
		"crashed": {api.StateFailed, api.ReasonGuestCrashed, "the guest panicked", kubevirtv1.Failed,
			"Warning Stopped VirtualMachineInstance failed: the guest panicked"},
		"killed": {api.StateFailed, api.ReasonProcessDied, "QEMU ended: killed", kubevirtv1.Failed,
			"Warning Stopped VirtualMachineInstance failed: QEMU ended: killed"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			stop := w.run()
			w.server.create(scheduled())
			w.untilPhase(kubevirtv1.Running)
			w.launcher.change(vmKey, tc.state, tc.reason, tc.message)

			vmi := w.untilPhase(tc.phase)
			w.eventually("the domain is removed", func() bool { return w.launcher.state(vmKey) == "" })
			stop()

			assert.Equal(t, tc.reason, vmi.Status.Reason)
			ready := condition(vmi, kubevirtv1.VirtualMachineInstanceReady)
			assert.Equal(t, corev1.ConditionFalse, ready.Status)
			assert.Equal(t, reasonGuestNotRunning, ready.Reason)
			assert.Equal(t, 2, w.server.writeCount())
			assert.Contains(t, w.events(), tc.event)
			assert.NotEmpty(t, w.server.get("vm").Finalizers, "a final instance is the instance controller's")
		})
	}
}

func TestAgentShutsDownWhatIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.server.create(scheduled())
	w.untilPhase(kubevirtv1.Running)

	w.server.delete("vm")
	w.eventually("the guest is asked", func() bool { return w.launcher.state(vmKey) == api.StateStopping })
	w.settle()
	assert.NotNil(t, w.server.get("vm"), "the instance stays while its guest does")
	w.server.edit("vm", func(vmi *kubevirtv1.VirtualMachineInstance) {
		vmi.Spec.TerminationGracePeriodSeconds = ptr.To(int64(0))
	})
	w.eventually("the guest is made to", func() bool {
		var asked []int64
		w.launcher.with(func() { asked = append(asked, w.launcher.shutdowns...) })
		return asked[len(asked)-1] == 0
	})
	w.launcher.change(vmKey, api.StateFailed, api.ReasonKilled, "the grace period ran out")

	ended := w.untilPhase(kubevirtv1.Failed)
	assert.NotEmpty(t, ended.Finalizers, "clients see the phase before the instance goes, which is the instance controller's")
	assert.Equal(t, api.ReasonKilled, ended.Status.Reason)
	assert.Empty(t, w.launcher.state(vmKey))
	assert.Equal(t, []types.UID{"u1"}, w.launcher.deleted[len(w.launcher.deleted)-1:])
	assert.EqualValues(t, 60, w.launcher.shutdowns[0])
}

func TestInstanceThatIsDeletedEndsWellWhereItsGuestDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.server.create(scheduled())
	w.untilPhase(kubevirtv1.Running)
	w.server.delete("vm")
	w.eventually("the guest is asked", func() bool { return w.launcher.state(vmKey) == api.StateStopping })
	w.launcher.change(vmKey, api.StateSucceeded, "", "")
	assert.NotEmpty(t, w.untilPhase(kubevirtv1.Succeeded).Finalizers)
}

func TestAgentReleasesWhatNeverRan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vmi := scheduled()
	vmi.DeletionTimestamp = ptr.To(metav1.Now())
	w.server.create(vmi)
	w.run()

	w.eventually("the instance is gone", func() bool { return w.server.get("vm") == nil })
	assert.Empty(t, w.launcher.starts)
}

func TestInstanceThatIsToFailIsNotStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	vmi := scheduled()
	vmi.Annotations = map[string]string{kubevirtv1.FailFastAnnotation: ""}
	w.server.create(vmi)
	assert.Equal(t, reasonFailFast, w.untilPhase(kubevirtv1.Failed).Status.Reason)
	assert.Empty(t, w.launcher.starts)
}

func TestAgentLeavesOthersInstancesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	for name, change := range map[string]func(*kubevirtv1.VirtualMachineInstance){
		"elsewhere":  func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Status.NodeName = "node-b" },
		"nowhere":    func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Status.NodeName = "" },
		"scheduling": func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Status.Phase = kubevirtv1.Scheduling },
		"succeeded":  func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Status.Phase = kubevirtv1.Succeeded },
	} {
		vmi := scheduled()
		vmi.Name, vmi.UID = name, types.UID(name)
		change(vmi)
		if name != "scheduling" {
			vmi.DeletionTimestamp = ptr.To(metav1.Now())
		}
		w.server.create(vmi)
	}
	w.settle()

	assert.Empty(t, w.launcher.starts)
	assert.Zero(t, w.server.writeCount())
	for _, name := range []string{"elsewhere", "nowhere", "succeeded"} {
		assert.NotNil(t, w.server.get(name))
	}
}
