// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestInstanceIsMadeFromTheTemplateAndLeavesItAlone(t *testing.T) {
	machine := newMachine(always, withDisk("disk"))
	before := machine.DeepCopy()
	instance := newInstance(machine, false)

	assert.Equal(t, "vm", instance.Name)
	assert.Equal(t, "ns", instance.Namespace)
	assert.Equal(t, map[string]string{"a": "b"}, instance.Labels)
	assert.Equal(t, map[string]string{"c": "d", "kubevirt.io/vm-generation": "3"}, instance.Annotations)
	assert.Equal(t, []string{kubevirtv1.VirtualMachineInstanceFinalizer}, instance.Finalizers)
	assert.Equal(t, []metav1.OwnerReference{{
		APIVersion: "kubevirt.io/v1", Kind: "VirtualMachine", Name: "vm", UID: machineUID,
		Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true),
	}}, instance.OwnerReferences)
	assert.Nil(t, instance.Spec.StartStrategy)
	assert.Equal(t, "disk", instance.Spec.Domain.Devices.Disks[0].Name, "defaults are filled in")

	instance.Labels["x"], instance.Annotations["x"] = "y", "y"
	instance.Spec.Volumes[0].DataVolume.Name = "other"
	assert.Equal(t, before, machine)
}

func TestInstancesOfAMachineAreOneGuest(t *testing.T) {
	machine := newMachine(always)
	first, second := newInstance(machine, false), newInstance(machine, false)
	require.NotEmpty(t, ptr.Deref(first.Spec.Domain.Firmware.UUID, ""))
	require.Len(t, first.Spec.Domain.Devices.Interfaces, 1)
	assert.NotEmpty(t, ptr.Deref(first.Spec.Domain.Devices.Interfaces[0].MacAddress, ""))
	assert.Equal(t, first, second)

	other := newMachine(always)
	other.UID = "another"
	assert.NotEqual(t, ptr.Deref(first.Spec.Domain.Firmware.UUID, ""), ptr.Deref(newInstance(other, false).Spec.Domain.Firmware.UUID, ""))
}

func TestIdentityThatTheUserGaveIsKept(t *testing.T) {
	machine := newMachine(always)
	machine.Spec.Template.Spec.Domain.Firmware = &kubevirtv1.Firmware{UUID: ptr.To[types.UID]("mine")}
	assert.EqualValues(t, "mine", ptr.Deref(newInstance(machine, false).Spec.Domain.Firmware.UUID, ""))
}

func TestPausedStartPausesTheGuest(t *testing.T) {
	assert.Equal(t, ptr.To(kubevirtv1.StartStrategyPaused), newInstance(newMachine(always), true).Spec.StartStrategy)
}

func TestDataVolumeIsTheMachines(t *testing.T) {
	machine := newMachine(halted, withDisk("disk"))
	before := machine.DeepCopy()
	volume := newDataVolume(machine, &machine.Spec.DataVolumeTemplates[0])
	assert.Equal(t, "disk", volume.Name)
	assert.Equal(t, "ns", volume.Namespace)
	assert.Equal(t, map[string]string{"disk": "disk", kubevirtv1.CreatedByLabel: string(machineUID)}, volume.Labels)
	assert.True(t, metav1.IsControlledBy(volume, machine))
	assert.NotNil(t, volume.Spec.Source.Blank)
	assert.Equal(t, before, machine)
}

func TestMachineWithoutATemplateHarmsNothing(t *testing.T) {
	machine := newMachine(always)
	machine.Spec.Template = nil
	assert.Empty(t, claimNames(machine))
	assert.NotPanics(t, func() { newInstance(machine, false) })
}
