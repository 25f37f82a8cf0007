// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/controllertest"
)

// orphans has a machine with a running guest and a disk, and deletes it without those.
func (w *world) orphans(machine *kubevirtv1.VirtualMachine) {
	w.Helper()
	w.create(machine)
	w.enters(kubevirtv1.Running)
	w.after(time.Minute)
	disk := cdiv1.SchemeGroupVersion.WithResource("datavolumes")
	volume, err := w.server.CdiV1beta1().DataVolumes("ns").Get(w.Context(), "disk", metav1.GetOptions{})
	require.NoError(w, err)
	volume = volume.DeepCopy()
	volume.OwnerReferences, volume.Status.Phase = nil, cdiv1.Succeeded
	require.NoError(w, w.server.Tracker().Update(disk, volume, "ns"))
	w.server.EditMachine("vm", func(machine *kubevirtv1.VirtualMachine) {
		machine.Finalizers = append(machine.Finalizers, metav1.FinalizerOrphanDependents)
		now := metav1.Now()
		machine.DeletionTimestamp = &now
	})
	w.after(time.Second)
	w.server.EditMachine("vm", func(machine *kubevirtv1.VirtualMachine) { machine.Finalizers = nil })
	w.settled()
	require.Nil(w, w.server.Machine("vm"))
	require.Empty(w, w.server.Instance("vm").OwnerReferences)
	w.server.Writes()
	w.events()
}

func TestMachineThatIsMadeAgainAdoptsItsRunningInstance(t *testing.T) {
	inWorld(t, func(w *world) {
		// Its firmware and addresses are computed from the UID of the machine that is gone.
		withInterface := func(machine *kubevirtv1.VirtualMachine) {
			machine.Spec.Template.Spec.Domain.Devices.Interfaces = []kubevirtv1.Interface{{Name: "default"}}
			machine.Spec.Template.Spec.Networks = []kubevirtv1.Network{{Name: "default", NetworkSource: kubevirtv1.NetworkSource{Pod: &kubevirtv1.PodNetwork{}}}}
		}
		w.orphans(newMachine(always, withDisk("disk"), withInterface))
		running := w.server.Instance("vm")
		w.create(newMachine(always, withDisk("disk"), withInterface, withUID("again")))
		w.after(time.Minute)

		adopted := w.server.Instance("vm")
		require.Equal(w, running.UID, adopted.UID)
		assert.Nil(w, adopted.DeletionTimestamp)
		assert.Equal(w, running.Spec, adopted.Spec)
		machine := w.server.Machine("vm")
		assert.True(w, metav1.IsControlledBy(adopted, machine))
		assert.EqualValues(w, "Running", machine.Status.PrintableStatus)
		assert.True(w, machine.Status.Ready)
		assert.Equal(w, machine.Generation, machine.Status.ObservedGeneration)
		assert.Nil(w, machine.Status.Condition(kubevirtv1.VirtualMachineRestartRequired))
		assert.Nil(w, w.failure())
		disk, err := w.server.CdiV1beta1().DataVolumes("ns").Get(w.Context(), "disk", metav1.GetOptions{})
		require.NoError(w, err)
		assert.True(w, metav1.IsControlledBy(disk, machine), "or the machine could not be started again")
		assert.Equal(w, "again", disk.Labels[kubevirtv1.CreatedByLabel])
		assert.Equal(w, []string{machineMade, "patch virtualmachineinstances", "patch datavolumes", statusWrite}, w.server.Writes())
	})
}

func TestAdoptedInstanceOfAnotherTemplateWaitsForARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.orphans(newMachine(always, withDisk("disk")))
		w.create(newMachine(always, withDisk("disk"), withUID("again"), func(machine *kubevirtv1.VirtualMachine) {
			machine.Spec.Template.Spec.Domain.Machine = &kubevirtv1.Machine{Type: ptr.To("pc")}
		}))
		w.after(time.Minute)
		status := w.status()
		require.NotNil(w, status.Condition(kubevirtv1.VirtualMachineRestartRequired))
		assert.Contains(w, status.Condition(kubevirtv1.VirtualMachineRestartRequired).Message, "machine")
		assert.Zero(w, status.ObservedGeneration)
	})
}

func TestDiskThatTheInstanceDoesNotHaveIsNotAdopted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.orphans(newMachine(always, withDisk("disk")))
		foreign := &cdiv1.DataVolume{ObjectMeta: metav1.ObjectMeta{Name: "other", Namespace: "ns"}}
		_, err := w.server.CdiV1beta1().DataVolumes("ns").Create(w.Context(), foreign, metav1.CreateOptions{})
		require.NoError(w, err)
		w.create(newMachine(always, withDisk("disk"), withDisk("other"), withUID("again")))
		w.after(time.Minute)
		foreign, err = w.server.CdiV1beta1().DataVolumes("ns").Get(w.Context(), "other", metav1.GetOptions{})
		require.NoError(w, err)
		assert.Empty(w, foreign.OwnerReferences)
	})
}

func TestMachineOfWhichTheCacheIsBehindIsNotActedFor(t *testing.T) {
	for name, change := range map[string]func(*kubevirtv1.VirtualMachine){
		"stopped meanwhile":    func(machine *kubevirtv1.VirtualMachine) { *machine.Spec.RunStrategy = halted },
		"made again meanwhile": withUID("again"),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(newMachine(halted))
				w.stop()
				old := w.server.Machine("vm")
				w.server.EditMachine("vm", change)
				c := &Controller{client: w.server, recorder: w.recorder}
				o := observe(old, nil)
				assert.True(w, apierrors.IsConflict(c.act(w.Context(), o, &decision{action: start})))
				assert.Nil(w, w.server.Instance("vm"))

				w.createInstance(&kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Name: "vm", Namespace: controllertest.Namespace}})
				o.own(w.server.Instance("vm"))
				assert.True(w, apierrors.IsConflict(c.adopt(w.Context(), o)))
				assert.Empty(w, w.server.Instance("vm").OwnerReferences)
			})
		})
	}
}
