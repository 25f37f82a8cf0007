// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

func sized(machine *kubevirtv1.VirtualMachine) {
	machine.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{Name: ptr.To("size")}
}

// makeSize has an instance type of so many processors.
func (w *world) makeSize(guest uint32) {
	w.Helper()
	_, err := w.server.InstancetypeV1beta1().VirtualMachineClusterInstancetypes().Create(w.Context(), &instancetypev1.VirtualMachineClusterInstancetype{
		ObjectMeta: metav1.ObjectMeta{Name: "size"}, Spec: instancetypev1.VirtualMachineInstancetypeSpec{
			CPU:    instancetypev1.CPUInstancetype{Guest: guest},
			Memory: instancetypev1.MemoryInstancetype{Guest: verbatim.MustParse("1Gi")},
		}}, metav1.CreateOptions{})
	require.NoError(w, err)
	w.settled()
}

func TestAnInstanceHasTheSizeOfTheInstancetype(t *testing.T) {
	inWorld(t, func(w *world) {
		w.makeSize(3)
		w.create(newMachine(kubevirtv1.RunStrategyAlways, sized))
		instance := w.server.Instance("vm")
		require.NotNil(t, instance)
		assert.EqualValues(t, 3, ptr.Deref(instance.Spec.Domain.CPU.Sockets, 0))
		assert.Equal(t, "1Gi", instance.Spec.Domain.Memory.Guest.String())
		assert.Equal(t, "size", instance.Annotations[kubevirtv1.ClusterInstancetypeAnnotation])
		require.NotNil(t, w.status().InstancetypeRef, "kept at the first start")
		assert.Equal(t, "size", w.status().InstancetypeRef.Name)
		assert.Nil(t, w.server.Machine("vm").Spec.Template.Spec.Domain.CPU, "the spec is the user's")
	})
}

func TestAMachineWaitsForItsInstancetypeAndSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(kubevirtv1.RunStrategyAlways, sized))
		assert.Nil(t, w.server.Instance("vm"))
		status := w.status()
		failure := status.Condition(kubevirtv1.VirtualMachineFailure)
		require.NotNil(t, failure)
		assert.Equal(t, "FailedFindInstancetype", failure.Reason)
		assert.Contains(t, failure.Message, `VirtualMachineClusterInstancetype "size"`)

		w.makeSize(2)
		w.after(2 * retryTold)
		assert.NotNil(t, w.server.Instance("vm"))
		status = w.status()
		assert.Nil(t, status.Condition(kubevirtv1.VirtualMachineFailure))
	})
}

func TestAConflictThatShowsOnlyLaterIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		w.makeSize(2)
		w.create(newMachine(kubevirtv1.RunStrategyAlways, sized, func(machine *kubevirtv1.VirtualMachine) {
			machine.Spec.Template.Spec.Domain.CPU = &kubevirtv1.CPU{Cores: ptr.To[uint32](4)}
		}))
		assert.Nil(t, w.server.Instance("vm"))
		status := w.status()
		failure := status.Condition(kubevirtv1.VirtualMachineFailure)
		require.NotNil(t, failure)
		assert.Contains(t, failure.Message, "spec.template.spec.domain.cpu.cores")
	})
}

func TestALargerInstancetypeAddsSocketsToARunningGuest(t *testing.T) {
	inWorld(t, func(w *world) {
		w.makeSize(1)
		w.create(newMachine(kubevirtv1.RunStrategyAlways, sized))
		w.enters(kubevirtv1.Running)
		_, err := w.server.InstancetypeV1beta1().VirtualMachineInstancetypes("ns").Create(t.Context(), &instancetypev1.VirtualMachineInstancetype{
			ObjectMeta: metav1.ObjectMeta{Name: "larger", Namespace: "ns"}, Spec: instancetypev1.VirtualMachineInstancetypeSpec{
				CPU:    instancetypev1.CPUInstancetype{Guest: 4},
				Memory: instancetypev1.MemoryInstancetype{Guest: verbatim.MustParse("1Gi")},
			}}, metav1.CreateOptions{})
		require.NoError(t, err)
		w.edit(func(machine *kubevirtv1.VirtualMachine) {
			machine.Generation++
			machine.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{Name: ptr.To("larger"), Kind: ptr.To("virtualmachineinstancetype")}
		})
		assert.EqualValues(t, 4, ptr.Deref(w.server.Instance("vm").Spec.Domain.CPU.Sockets, 0))
		assert.Equal(t, "larger", w.status().InstancetypeRef.Name)
	})
}

// inferring has the instance type that was inferred from a volume when the machine was written; "" is none.
func inferring(name string) func(*kubevirtv1.VirtualMachine) {
	return func(machine *kubevirtv1.VirtualMachine) {
		policy := ptr.To(kubevirtv1.IgnoreInferFromVolumeFailure)
		machine.Spec.Instancetype = &kubevirtv1.InstancetypeMatcher{InferFromVolume: ptr.To("root"), InferFromVolumeFailurePolicy: policy}
		machine.Spec.Template.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("256Mi"))}
		ref := &kubevirtv1.InstancetypeStatusRef{Name: name, InferFromVolume: "root", InferFromVolumeFailurePolicy: policy}
		if name != "" {
			ref.Kind = kubevirtv1.KindClusterInstancetype
		}
		machine.Status.InstancetypeRef = ref
	}
}

func TestAnInstanceHasTheSizeThatWasInferred(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(kubevirtv1.RunStrategyAlways, inferring("size")))
		assert.Nil(t, w.server.Instance("vm"), "the size is not there yet")
		require.NotNil(t, w.status().InstancetypeRef)
		assert.Equal(t, "size", w.status().InstancetypeRef.Name)

		w.makeSize(3)
		w.after(2 * retryTold)
		instance := w.server.Instance("vm")
		require.NotNil(t, instance)
		assert.EqualValues(t, 3, ptr.Deref(instance.Spec.Domain.CPU.Sockets, 0))
		assert.Equal(t, "1Gi", instance.Spec.Domain.Memory.Guest.String())
		assert.Equal(t, "size", instance.Annotations[kubevirtv1.ClusterInstancetypeAnnotation])
		assert.Equal(t, "root", w.status().InstancetypeRef.InferFromVolume)
		assert.NotNil(t, w.status().InstancetypeRef.Spec)
	})
}

func TestAMachineDoesWithoutWhatCouldNotBeInferred(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(kubevirtv1.RunStrategyAlways, inferring("")))
		instance := w.server.Instance("vm")
		require.NotNil(t, instance)
		assert.Equal(t, "256Mi", instance.Spec.Domain.Memory.Guest.String())
		assert.NotContains(t, instance.Annotations, "")
		assert.NotContains(t, instance.Annotations, kubevirtv1.ClusterInstancetypeAnnotation)
		require.NotNil(t, w.status().InstancetypeRef)
		assert.Empty(t, w.status().InstancetypeRef.Name)
	})
}

func TestAMachineWhoseInferenceIsLostSaysHowToMendIt(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newMachine(kubevirtv1.RunStrategyAlways, inferring(""), func(machine *kubevirtv1.VirtualMachine) {
			machine.Status.InstancetypeRef = nil
		}))
		assert.Nil(t, w.server.Instance("vm"))
		status := w.status()
		failure := status.Condition(kubevirtv1.VirtualMachineFailure)
		require.NotNil(t, failure)
		assert.Contains(t, failure.Message, "remove the reference and give it again")
	})
}
