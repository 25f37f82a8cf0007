// SPDX-License-Identifier: Apache-2.0

package v1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestAVolumeWithoutADiskGetsOneThatItsReadersLookAt(t *testing.T) {
	spec := &kubevirtv1.VirtualMachineInstanceSpec{Volumes: []kubevirtv1.Volume{
		{Name: "seed", VolumeSource: kubevirtv1.VolumeSource{CloudInitNoCloud: &kubevirtv1.CloudInitSource{}}},
		{Name: "answers", VolumeSource: kubevirtv1.VolumeSource{Sysprep: &kubevirtv1.SysprepSource{}}},
		{Name: "chosen", VolumeSource: kubevirtv1.VolumeSource{Sysprep: &kubevirtv1.SysprepSource{}}},
	}}
	chosen := kubevirtv1.Disk{Name: "chosen"}
	chosen.Disk = &kubevirtv1.DiskTarget{}
	spec.Domain.Devices.Disks = []kubevirtv1.Disk{chosen}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(spec)
	require.Len(t, spec.Domain.Devices.Disks, 3)
	for i, name := range []string{"chosen", "seed"} {
		assert.Equal(t, name, spec.Domain.Devices.Disks[i].Name)
		assert.NotNil(t, spec.Domain.Devices.Disks[i].Disk)
		assert.Nil(t, spec.Domain.Devices.Disks[i].CDRom)
	}
	assert.Equal(t, "answers", spec.Domain.Devices.Disks[2].Name)
	assert.Nil(t, spec.Domain.Devices.Disks[2].Disk)
	assert.NotNil(t, spec.Domain.Devices.Disks[2].CDRom)
}
