// SPDX-License-Identifier: Apache-2.0

package v1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

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

func TestDisksThatWereAddedLaterComeBehindThoseThatAreImplied(t *testing.T) {
	claim := func(name string, hotpluggable bool) kubevirtv1.Volume {
		source := &kubevirtv1.PersistentVolumeClaimVolumeSource{Hotpluggable: ptr.To(hotpluggable)}
		return kubevirtv1.Volume{Name: name, VolumeSource: kubevirtv1.VolumeSource{PersistentVolumeClaim: source}}
	}
	seed := kubevirtv1.Volume{Name: "seed", VolumeSource: kubevirtv1.VolumeSource{CloudInitNoCloud: &kubevirtv1.CloudInitSource{}}}
	for name, test := range map[string]struct {
		volumes []kubevirtv1.Volume
		disks   []string
		want    []string
	}{
		"all implied":                          {[]kubevirtv1.Volume{claim("root", false), seed}, nil, []string{"root", "seed"}},
		"one added":                            {[]kubevirtv1.Volume{claim("root", false), claim("more", true)}, []string{"more"}, []string{"root", "more"}},
		"two added":                            {[]kubevirtv1.Volume{claim("root", false), seed, claim("a", true), claim("b", true)}, []string{"a", "b"}, []string{"root", "seed", "a", "b"}},
		"added to a given one":                 {[]kubevirtv1.Volume{claim("root", false), seed, claim("a", true)}, []string{"root", "a"}, []string{"root", "seed", "a"}},
		"upstream's, otherwise":                {[]kubevirtv1.Volume{seed, claim("root", false)}, []string{"root"}, []string{"root", "seed"}},
		"boots from one that is hot-pluggable": {[]kubevirtv1.Volume{claim("root", true), seed}, []string{"root"}, []string{"root", "seed"}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := &kubevirtv1.VirtualMachineInstanceSpec{Volumes: test.volumes}
			for _, disk := range test.disks {
				spec.Domain.Devices.Disks = append(spec.Domain.Devices.Disks, kubevirtv1.Disk{Name: disk})
			}
			kubevirtv1.AddDefaultDevices(spec)
			kubevirtv1.AddDefaultDevices(spec)
			var names []string
			for _, disk := range spec.Domain.Devices.Disks {
				names = append(names, disk.Name)
			}
			assert.Equal(t, test.want, names)
		})
	}
}
