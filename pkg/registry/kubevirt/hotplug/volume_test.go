// SPDX-License-Identifier: Apache-2.0

package hotplug

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func addition(disk kubevirtv1.Disk) *kubevirtv1.AddVolumeOptions {
	return &kubevirtv1.AddVolumeOptions{Name: "tape", Disk: &disk, VolumeSource: &kubevirtv1.HotplugVolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: "tape"},
	}}
}

// TestALunIsAddedAsVirtctlAsksForIt: virtctl gives any disk the name of its volume as a serial number.
func TestALunIsAddedAsVirtctlAsksForIt(t *testing.T) {
	options := addition(kubevirtv1.Disk{Serial: ptr.To("tape"), DiskDevice: kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{Bus: ptr.To[kubevirtv1.DiskBus]("scsi")}}})
	require.NoError(t, CheckAdd(schema.GroupKind{}, "vm", options))
	spec := &kubevirtv1.VirtualMachineInstanceSpec{}
	require.NoError(t, Add(spec, options))
	assert.Equal(t, []kubevirtv1.Disk{{Name: "tape", DiskDevice: kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{Bus: ptr.To[kubevirtv1.DiskBus]("scsi")}}}},
		spec.Domain.Devices.Disks)
	assert.True(t, spec.Volumes[0].IsHotpluggable())
}

func TestALunThatNoGuestCanHaveIsNotAdded(t *testing.T) {
	for words, disk := range map[string]kubevirtv1.Disk{
		"disk.lun.bus":  {DiskDevice: kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{Bus: ptr.To[kubevirtv1.DiskBus]("virtio")}}},
		"disk.serial":   {Serial: ptr.To("1"), DiskDevice: kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{}}},
		"single target": {DiskDevice: kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{}, Disk: &kubevirtv1.DiskTarget{}}},
	} {
		require.ErrorContains(t, CheckAdd(schema.GroupKind{}, "vm", addition(disk)), words)
	}
}
