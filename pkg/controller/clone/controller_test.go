// SPDX-License-Identifier: Apache-2.0

package clone

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubernetesfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/target"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned/fake"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
)

// world is a server with a machine named source, which has two disks, and a controller, in a bubble where time
// passes only when nothing else happens.
type world struct {
	*testing.T
	virt   *fake.Clientset
	core   *kubernetesfake.Clientset
	events *record.FakeRecorder
	stop   func()
}

func inWorld(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, virt: fake.NewSimpleClientset(), core: kubernetesfake.NewClientset(), events: record.NewFakeRecorder(100)}
		w.machine("source", "root", "data")
		w.run()
		defer func() { w.stop() }()
		test(w)
	})
}

// run starts a controller, as a new process would.
func (w *world) run() {
	informers := externalversions.NewSharedInformerFactory(w.virt, 0)
	c, err := New(Config{Client: w.virt, Core: w.core.CoreV1(), Informers: informers, Recorder: w.events})
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(context.Background())
	informers.Start(ctx.Done())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx, 2) })
	w.stop = func() {
		cancel()
		running.Wait()
		informers.Shutdown()
	}
	// The controller begins when it sees that its caches are filled, for which it looks now and then.
	<-time.After(time.Second)
	synctest.Wait()
}

func (w *world) machine(name string, disks ...string) *kubevirtv1.VirtualMachine {
	vm := &kubevirtv1.VirtualMachine{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns", UID: "uid"},
		Spec: kubevirtv1.VirtualMachineSpec{
			RunStrategy: ptr.To(kubevirtv1.RunStrategyManual), Template: &kubevirtv1.VirtualMachineInstanceTemplateSpec{},
		},
	}
	for _, disk := range disks {
		vm.Spec.Template.Spec.Volumes = append(vm.Spec.Template.Spec.Volumes, kubevirtv1.Volume{Name: disk, VolumeSource: kubevirtv1.VolumeSource{
			PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: disk},
		}})
	}
	made, err := w.virt.KubevirtV1().VirtualMachines("ns").Create(w.Context(), vm, metav1.CreateOptions{})
	require.NoError(w, err)
	return made
}

func (w *world) clone() {
	ref := func(name string) *corev1.TypedLocalObjectReference {
		return &corev1.TypedLocalObjectReference{APIGroup: ptr.To("kubevirt.io"), Kind: "VirtualMachine", Name: name}
	}
	source, err := w.virt.KubevirtV1().VirtualMachines("ns").Get(w.Context(), "source", metav1.GetOptions{})
	require.NoError(w, err)
	fingerprint, err := target.Fingerprint(source)
	require.NoError(w, err)
	_, err = w.virt.CloneV1beta1().VirtualMachineClones("ns").Create(w.Context(), &clonev1.VirtualMachineClone{
		ObjectMeta: metav1.ObjectMeta{
			Name: "clone", Namespace: "ns", UID: "clone-uid", Annotations: map[string]string{target.SourceAnnotation: fingerprint},
		},
		Spec: clonev1.VirtualMachineCloneSpec{Source: ref("source"), Target: ref("copy")},
	}, metav1.CreateOptions{})
	require.NoError(w, err)
	synctest.Wait()
}

// start gives the source an instance.
func (w *world) start() {
	_, err := w.virt.KubevirtV1().VirtualMachineInstances("ns").Create(w.Context(),
		&kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Name: "source", Namespace: "ns"}}, metav1.CreateOptions{})
	require.NoError(w, err)
	synctest.Wait()
}

func (w *world) halt() {
	require.NoError(w, w.virt.KubevirtV1().VirtualMachineInstances("ns").Delete(w.Context(), "source", metav1.DeleteOptions{}))
	synctest.Wait()
}

// volume has the copy of a disk be in phase, as the controllers of machines and DataVolumes do.
func (w *world) volume(name string, phase cdiv1.DataVolumePhase, owner *kubevirtv1.VirtualMachine, conditions ...cdiv1.DataVolumeCondition) {
	volumes := w.virt.CdiV1beta1().DataVolumes("ns")
	dv := &cdiv1.DataVolume{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"}, Status: cdiv1.DataVolumeStatus{Phase: phase, Conditions: conditions}}
	if owner != nil {
		dv.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachine"))}
	}
	_, err := volumes.Create(w.Context(), dv, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = volumes.Update(w.Context(), dv, metav1.UpdateOptions{})
	}
	require.NoError(w, err)
	synctest.Wait()
}

func (w *world) status() *clonev1.VirtualMachineCloneStatus {
	clone, err := w.virt.CloneV1beta1().VirtualMachineClones("ns").Get(w.Context(), "clone", metav1.GetOptions{})
	require.NoError(w, err)
	return &clone.Status
}

func (w *world) target() *kubevirtv1.VirtualMachine {
	vm, err := w.virt.KubevirtV1().VirtualMachines("ns").Get(w.Context(), "copy", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(w, err)
	return vm
}

func (w *world) told(reason string) bool {
	for {
		select {
		case event := <-w.events.Events:
			if strings.Contains(event, " "+reason+" ") {
				return true
			}
		default:
			return false
		}
	}
}

func (w *world) is(phase clonev1.VirtualMachineClonePhase, ready corev1.ConditionStatus, reason string) {
	w.Helper()
	status := w.status()
	assert.Equal(w, phase, status.Phase)
	condition := status.Condition(clonev1.ConditionReady)
	require.NotNil(w, condition)
	assert.Equal(w, ready, condition.Status)
	assert.Equal(w, reason, condition.Reason, condition.Message)
}

func TestACloneSucceedsWhenAllDisksAreCopied(t *testing.T) {
	inWorld(t, func(w *world) {
		w.clone()
		w.is(clonev1.RestoreInProgress, "False", "CopyingDisks")
		assert.Equal(t, "copy", *w.status().TargetName)
		assert.False(t, w.status().CreationTime.IsZero())
		assert.True(t, w.told("TargetVMCreated"))
		w.volume("copy-root", cdiv1.Succeeded, w.target())
		w.volume("copy-data", cdiv1.CloneInProgress, w.target())
		w.is(clonev1.RestoreInProgress, "False", "CopyingDisks")
		assert.Contains(t, w.status().Condition(clonev1.ConditionReady).Message, "1 of 2 disks")
		w.volume("copy-data", cdiv1.Succeeded, w.target())
		w.is(clonev1.Succeeded, "True", "Ready")
		assert.True(t, w.told("Succeeded"))
		w.start()
		w.is(clonev1.Succeeded, "True", "Ready")
	})
}

func TestARunningMachineIsClonedOnceItHasStopped(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		w.clone()
		w.is(clonev1.PhaseUnset, "False", "SourceIsRunning")
		assert.True(t, w.told("SourceIsRunning"))
		assert.Nil(t, w.target())
		w.halt()
		w.is(clonev1.RestoreInProgress, "False", "CopyingDisks")
	})
}

func TestWhatTheSourceReferredToLaterIsNotCloned(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		w.clone()
		machines := w.virt.KubevirtV1().VirtualMachines("ns")
		source, err := machines.Get(t.Context(), "source", metav1.GetOptions{})
		require.NoError(t, err)
		source.Spec.Template.Spec.Volumes = append(source.Spec.Template.Spec.Volumes, kubevirtv1.Volume{Name: "key", VolumeSource: kubevirtv1.VolumeSource{
			Secret: &kubevirtv1.SecretVolumeSource{SecretName: ptr.To("key")},
		}})
		_, err = machines.Update(t.Context(), source, metav1.UpdateOptions{})
		require.NoError(t, err)
		w.halt()
		w.is(clonev1.Failed, "False", "SourceChanged")
		assert.Nil(t, w.target())
	})
}

func TestDisksOfDifferentTimesAreNoClone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.clone()
		w.volume("copy-root", cdiv1.Succeeded, w.target())
		w.start()
		w.is(clonev1.Failed, "False", "SourceStarted")
		assert.True(t, w.told("SourceStarted"))
	})
}

func TestACloneGoesOnWhereAnotherProcessLeftIt(t *testing.T) {
	inWorld(t, func(w *world) {
		w.clone()
		made := w.target().UID
		w.stop()
		clone, err := w.virt.CloneV1beta1().VirtualMachineClones("ns").Get(t.Context(), "clone", metav1.GetOptions{})
		require.NoError(t, err)
		clone.Status.Phase = clonev1.CreatingTargetVM // the machine was made, and nothing written of it
		_, err = w.virt.CloneV1beta1().VirtualMachineClones("ns").UpdateStatus(t.Context(), clone, metav1.UpdateOptions{})
		require.NoError(t, err)
		w.run()
		w.is(clonev1.RestoreInProgress, "False", "CopyingDisks")
		assert.Equal(t, made, w.target().UID)
	})
}

func TestAMachineThatIsThereAlreadyIsLeftAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		before := w.machine("copy")
		w.clone()
		w.is(clonev1.Failed, "False", "TargetExists")
		assert.Equal(t, before, w.target())
	})
}

func TestADiskThatIsAnothersFailsTheClone(t *testing.T) {
	inWorld(t, func(w *world) {
		w.volume("copy-root", cdiv1.Succeeded, nil)
		w.clone()
		w.is(clonev1.Failed, "False", "CopyFailed")
	})
}

func TestWhatKeepsADiskFromBeingCopiedIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		w.clone()
		w.volume("copy-root", cdiv1.CloneScheduled, w.target(), cdiv1.DataVolumeCondition{
			Type: cdiv1.DataVolumeRunning, Status: "False", Reason: "Error", Message: "NoSpace: no space left",
		})
		w.is(clonev1.RestoreInProgress, "False", "CopyingDisks")
		assert.Contains(t, w.status().Condition(clonev1.ConditionReady).Message, "no space left; it is tried again")
		w.volume("copy-root", cdiv1.Failed, w.target(), cdiv1.DataVolumeCondition{
			Type: cdiv1.DataVolumeRunning, Status: "False", Reason: "Error", Message: "ImageTooLarge: too large",
		})
		w.is(clonev1.Failed, "False", "CopyFailed")
	})
}

func TestACloneEndsWithTheMachineThatItMakes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.clone()
		require.NoError(t, w.virt.KubevirtV1().VirtualMachines("ns").Delete(t.Context(), "copy", metav1.DeleteOptions{}))
		synctest.Wait()
		w.is(clonev1.Failed, "False", "TargetDeleted")
	})
	inWorld(t, func(w *world) {
		w.clone()
		for _, disk := range []string{"copy-root", "copy-data"} {
			w.volume(disk, cdiv1.Succeeded, w.target())
		}
		w.is(clonev1.Succeeded, "True", "Ready")
		require.NoError(t, w.virt.KubevirtV1().VirtualMachines("ns").Delete(t.Context(), "copy", metav1.DeleteOptions{}))
		synctest.Wait()
		_, err := w.virt.CloneV1beta1().VirtualMachineClones("ns").Get(t.Context(), "clone", metav1.GetOptions{})
		assert.True(t, apierrors.IsNotFound(err), "%v", err)
	})
}
