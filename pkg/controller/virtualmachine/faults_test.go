// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/controllertest"
)

// refuse has the server answer err to verb on resource until the returned function is called.
func (w *world) refuse(verb, resource string, err error) (accept func()) {
	var accepting atomic.Bool
	w.server.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) { return !accepting.Load(), nil, err })
	return func() { accepting.Store(true) }
}

func (w *world) failure() *kubevirtv1.VirtualMachineCondition {
	w.Helper()
	status := w.status()
	return status.Condition(kubevirtv1.VirtualMachineFailure)
}

func TestRefusedInstanceIsToldOnceAndTriedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		accept := w.refuse("create", "virtualmachineinstances", apierrors.NewForbidden(controllertest.Instances.GroupResource(), "vm", errors.New("exceeded quota")))
		w.create(newMachine(always))
		w.after(time.Minute)
		failure := w.failure()
		require.NotNil(w, failure)
		assert.Equal(w, "FailedCreate", failure.Reason)
		assert.Contains(w, failure.Message, "Error creating virtual machine instance vm: ")
		assert.Contains(w, failure.Message, "exceeded quota")
		assert.Equal(w, []string{machineMade, statusWrite}, w.server.Writes())
		events := w.events()
		require.Len(w, events, 1)
		assert.Contains(w, events[0], "Warning FailedCreate Error creating virtual machine instance vm: ")

		accept()
		w.after(time.Minute)
		assert.NotNil(w, w.server.Instance("vm"))
		assert.Nil(w, w.failure())
	})
}

func TestServerThatIsBusyIsNoFailureOfTheMachine(t *testing.T) {
	inWorld(t, func(w *world) {
		accept := w.refuse("create", "virtualmachineinstances", apierrors.NewServiceUnavailable("starting"))
		w.create(newMachine(manual, withRequests(startRequest(false))))
		w.after(time.Second)
		assert.Nil(w, w.failure())
		assert.Len(w, w.status().StateChangeRequests, 1)
		accept()
		w.after(time.Minute)
		assert.NotNil(w, w.server.Instance("vm"))
		assert.Empty(w, w.events()[1:])
	})
}

func TestInstanceOfSomebodyElseIsLeftAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		foreign := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{
			Name: "vm", Namespace: "ns", OwnerReferences: []metav1.OwnerReference{ownerReference(newMachine(always, withUID("another")))},
		}}
		w.createInstance(foreign)
		w.create(newMachine(always))
		w.after(time.Minute)
		failure := w.failure()
		require.NotNil(w, failure)
		assert.Equal(w, "FailedCreate", failure.Reason)
		assert.Contains(w, failure.Message, "delete it, or rename the machine")
		assert.Nil(w, w.server.Instance("vm").DeletionTimestamp)
		assert.Len(w, w.events(), 1)
		status := w.status()
		assert.False(w, status.Created)

		require.NoError(w, w.server.KubevirtV1().VirtualMachineInstances("ns").Delete(w.Context(), "vm", metav1.DeleteOptions{}))
		w.settled()
		require.NotNil(w, w.server.Instance("vm"), "at once")
		assert.Nil(w, w.failure())
	})
}

func TestInstanceThatTheCacheHasNotSeenIsTheMachines(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(always))
		w.stop()
		c := &Controller{client: w.server, recorder: w.recorder}
		o := observe(w.server.Machine("vm"), nil)
		require.NoError(w, c.start(w.Context(), o, false))
		assert.NotNil(w, o.instance)

		err := c.finish(w.Context(), observe(w.server.Machine("vm"), nil))
		assert.True(w, apierrors.IsConflict(err), "the machine does not go before it")
	})
}

func TestInstanceThatTookTheOthersPlaceIsNotStopped(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(always))
		w.stop()
		c := &Controller{client: w.server, recorder: w.recorder}
		machine := w.server.Machine("vm")
		old := observe(machine, instanceOf(machine, kubevirtv1.Succeeded))
		assert.True(w, apierrors.IsConflict(c.stop(w.Context(), old)))
		assert.Nil(w, w.server.Instance("vm").DeletionTimestamp)
	})
}

func TestMachineGoesAfterItsInstance(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(always))
		w.enters(kubevirtv1.Running)
		w.delete(metav1.DeleteOptions{})
		require.NotNil(w, w.server.Machine("vm"))
		w.after(time.Second)
		assert.EqualValues(w, "Terminating", w.shows())
		w.ends()
		assert.Nil(w, w.server.Machine("vm"))
		assert.Nil(w, w.server.Instance("vm"))
	})
}

func TestOrphanedInstanceRunsOn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(always))
		w.enters(kubevirtv1.Running)
		w.server.EditMachine("vm", func(machine *kubevirtv1.VirtualMachine) {
			machine.Finalizers = append(machine.Finalizers, metav1.FinalizerOrphanDependents)
			now := metav1.Now()
			machine.DeletionTimestamp = &now
		})
		w.after(time.Minute)
		instance := w.server.Instance("vm")
		assert.Nil(w, instance.DeletionTimestamp)
		assert.Empty(w, instance.OwnerReferences)
		assert.Equal(w, []string{metav1.FinalizerOrphanDependents}, w.server.Machine("vm").Finalizers)
	})
}

func TestDataVolumesAreMadeWithTheMachine(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(halted, withDisk("disk")))
		w.after(time.Second)
		volume, err := w.server.CdiV1beta1().DataVolumes("ns").Get(w.Context(), "disk", metav1.GetOptions{})
		require.NoError(w, err)
		assert.True(w, metav1.IsControlledBy(volume, w.server.Machine("vm")))
		assert.EqualValues(w, "Provisioning", w.shows())
		assert.Nil(w, w.server.Instance("vm"))
		assert.Equal(w, []string{machineMade, "create datavolumes", statusWrite}, w.server.Writes())

		volume = volume.DeepCopy()
		volume.Status.Phase = cdiv1.Succeeded
		require.NoError(w, w.server.Tracker().Update(cdiv1.SchemeGroupVersion.WithResource("datavolumes"), volume, "ns"))
		w.after(time.Second)
		assert.EqualValues(w, "Stopped", w.shows())
		assert.Equal(w, []string{"Normal SuccessfulDataVolumeCreate Created DataVolume disk"}, w.events())
	})
}

func TestRefusedDataVolumeIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		accept := w.refuse("create", "datavolumes", apierrors.NewForbidden(cdiv1.SchemeGroupVersion.WithResource("datavolumes").GroupResource(), "disk", errors.New("no")))
		w.create(newMachine(always, withDisk("disk")))
		w.after(time.Minute)
		assert.Equal(w, "FailedDataVolumeCreate", w.failure().Reason)
		assert.Nil(w, w.server.Instance("vm"))
		accept()
		w.after(time.Minute)
		assert.NotNil(w, w.server.Instance("vm"))
	})
}

func TestDiskOfSomebodyElseIsNotUsedInPlaceOfTheMachinesOwn(t *testing.T) {
	labels := map[string]string{kubevirtv1.CreatedByLabel: "machine"}
	for name, foreign := range map[string]runtime.Object{
		"DataVolume":            &cdiv1.DataVolume{ObjectMeta: metav1.ObjectMeta{Name: "disk", Namespace: "ns", Labels: labels}},
		"PersistentVolumeClaim": &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "disk", Namespace: "ns", Labels: labels}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				tracker, resource := w.core.Tracker(), corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
				if name == "DataVolume" {
					tracker, resource = w.server.Tracker(), cdiv1.SchemeGroupVersion.WithResource("datavolumes")
				}
				require.NoError(w, tracker.Create(resource, foreign, "ns"))
				w.create(newMachine(always, withDisk("disk")))
				w.after(time.Minute)
				assert.Nil(w, w.server.Instance("vm"))
				assert.Equal(w, "FailedDataVolumeCreate", w.failure().Reason)
				assert.Contains(w, w.failure().Message, "creating DataVolume disk: a "+name+" of that name exists that is not of this machine")

				require.NoError(w, tracker.Delete(resource, "ns", "disk"))
				w.after(time.Minute)
				assert.NotNil(w, w.server.Instance("vm"))
			})
		})
	}
}

func TestClaimThatATemplateHasAdoptedIsNoObstacle(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := w.core.CoreV1().PersistentVolumeClaims("ns").Create(w.Context(),
			&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "disk", Namespace: "ns"}}, metav1.CreateOptions{})
		require.NoError(w, err)
		w.settled()
		machine := newMachine(always, withDisk("disk"))
		machine.Spec.DataVolumeTemplates[0].ObjectMeta.Annotations = map[string]string{cdiv1.AllowClaimAdoptionAnnotation: "true"}
		w.create(machine)
		w.after(time.Minute)
		dv, err := w.server.CdiV1beta1().DataVolumes("ns").Get(w.Context(), "disk", metav1.GetOptions{})
		require.NoError(w, err)
		assert.True(w, cdiv1.AdoptsClaim(dv))
		assert.NotNil(w, w.server.Instance("vm"))
	})
}

func TestSourceThatIsNotThereIsToldOf(t *testing.T) {
	inWorld(t, func(w *world) {
		machine := newMachine(always, withDisk("disk"))
		machine.Spec.DataVolumeTemplates[0].Spec.Source = &cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: "golden", Name: "linux"}}
		w.create(machine)
		w.after(time.Minute)
		assert.Contains(w, w.events(), "Warning SourcePVCNotAvailabe Source PVC golden/linux not available: Target PVC disk will remain unpopulated until source is created")
	})
}

func TestClaimThatIsNotBoundIsWaitedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		machine := newMachine(always)
		machine.Spec.Template.Spec.Volumes = []kubevirtv1.Volume{{Name: "disk", VolumeSource: kubevirtv1.VolumeSource{
			PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "claim"},
		}}}
		w.create(machine)
		claim := &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Name: "claim", Namespace: "ns"},
			Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
		}
		_, err := w.core.CoreV1().PersistentVolumeClaims("ns").Create(w.Context(), claim, metav1.CreateOptions{})
		require.NoError(w, err)
		w.after(time.Second)
		assert.EqualValues(w, "WaitingForVolumeBinding", w.shows())
		claim.Status.Phase = corev1.ClaimBound
		_, err = w.core.CoreV1().PersistentVolumeClaims("ns").UpdateStatus(w.Context(), claim, metav1.UpdateOptions{})
		require.NoError(w, err)
		w.after(time.Second)
		assert.EqualValues(w, "Starting", w.shows())
	})
}
