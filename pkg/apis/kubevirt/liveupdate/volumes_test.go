// SPDX-License-Identifier: Apache-2.0

package liveupdate_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/liveupdate"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

type instanceSpec = kubevirtv1.VirtualMachineInstanceSpec

// add adds a claim of the volume's name, at the place.
func add(spec *instanceSpec, place int, name string, hotpluggable bool, bus kubevirtv1.DiskBus) {
	spec.Volumes = slices.Insert(spec.Volumes, place, kubevirtv1.Volume{Name: name, VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: name, Hotpluggable: ptr.To(hotpluggable)}}})
	spec.Domain.Devices.Disks = slices.Insert(spec.Domain.Devices.Disks, place, kubevirtv1.Disk{
		Name: name, DiskDevice: kubevirtv1.DiskDevice{Disk: &kubevirtv1.DiskTarget{Bus: ptr.To(bus)}}})
}

func addLUN(spec *instanceSpec, hotpluggable bool) {
	add(spec, 2, "new", hotpluggable, "")
	spec.Domain.Devices.Disks[2].DiskDevice = kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{Bus: ptr.To[kubevirtv1.DiskBus]("scsi")}}
}

func remove(spec *instanceSpec, name string) {
	spec.Volumes = slices.DeleteFunc(spec.Volumes, func(v kubevirtv1.Volume) bool { return v.Name == name })
	spec.Domain.Devices.Disks = slices.DeleteFunc(spec.Domain.Devices.Disks, func(d kubevirtv1.Disk) bool { return d.Name == name })
}

func TestVolumesThatARunningGuestTakes(t *testing.T) {
	both := []string{"domain.devices.disks", "volumes"}
	for name, test := range map[string]struct {
		change  func(*instanceSpec)
		restart []string
	}{
		"one more":            {func(s *instanceSpec) { add(s, 2, "new", true, "scsi") }, nil},
		"one more, in front":  {func(s *instanceSpec) { add(s, 0, "new", true, "virtio") }, nil},
		"one less":            {func(s *instanceSpec) { remove(s, "hot") }, nil},
		"another in place":    {func(s *instanceSpec) { remove(s, "hot"); add(s, 1, "new", true, "scsi") }, nil},
		"in another order":    {func(s *instanceSpec) { slices.Reverse(s.Volumes) }, nil},
		"not hot-pluggable":   {func(s *instanceSpec) { add(s, 2, "new", false, "scsi") }, both},
		"on a bus that can't": {func(s *instanceSpec) { add(s, 2, "new", true, "sata") }, both},
		"the fixed one":       {func(s *instanceSpec) { remove(s, "root") }, both},
		"another claim":       {func(s *instanceSpec) { s.Volumes[1].PersistentVolumeClaim.ClaimName = "other" }, []string{"volumes"}},
		"another serial":      {func(s *instanceSpec) { s.Domain.Devices.Disks[1].Serial = ptr.To("x") }, []string{"domain.devices.disks"}},
		"to boot from": {func(s *instanceSpec) {
			add(s, 2, "new", true, "scsi")
			s.Domain.Devices.Disks[2].BootOrder = ptr.To(uint(1))
		}, both},
		"a lun":       {func(s *instanceSpec) { addLUN(s, true) }, nil},
		"a fixed lun": {func(s *instanceSpec) { addLUN(s, false) }, both},
	} {
		t.Run(name, func(t *testing.T) {
			vmi := running()
			add(&vmi.Spec, 0, "root", false, "virtio")
			add(&vmi.Spec, 1, "hot", true, "scsi")
			wanted := vmi.Spec.DeepCopy()
			test.change(wanted)
			next, restart := liveupdate.Plan(vmi, wanted)
			assert.Equal(t, test.restart, restart)
			if len(restart) == 0 {
				assert.Equal(t, wanted, next)
			}
		})
	}
}

func TestGuestWithoutHotplugTakesNoVolumes(t *testing.T) {
	vmi := running()
	vmi.Spec.Domain.Devices.DisableHotplug = ptr.To(true)
	wanted := vmi.Spec.DeepCopy()
	add(wanted, 0, "new", true, "scsi")
	_, restart := liveupdate.Plan(vmi, wanted)
	assert.Equal(t, []string{"domain.devices.disks", "volumes"}, restart)
}

func TestVolumeThatIsTakenDoesNotWaitForOneThatIsNot(t *testing.T) {
	vmi := running()
	wanted := vmi.Spec.DeepCopy()
	add(wanted, 0, "new", true, "scsi")
	add(wanted, 1, "fixed", false, "virtio")
	next, restart := liveupdate.Plan(vmi, wanted)
	assert.NotEmpty(t, restart)
	assert.Len(t, next.Volumes, 1)
	assert.Equal(t, "new", next.Volumes[0].Name)
}

func TestVolumeThatTheInstanceAloneHasStaysWithIt(t *testing.T) {
	vmi := running()
	add(&vmi.Spec, 0, "root", false, "virtio")
	wanted := vmi.Spec.DeepCopy()
	add(&vmi.Spec, 0, "extra", true, "scsi")
	vmi.SetAddedVolumes([]string{"extra"})
	next, restart := liveupdate.Plan(vmi, wanted)
	assert.Empty(t, restart)
	assert.ElementsMatch(t, vmi.Spec.Volumes, next.Volumes)

	vmi.SetAddedVolumes(nil)
	next, restart = liveupdate.Plan(vmi, wanted)
	assert.Empty(t, restart)
	assert.Equal(t, wanted.Volumes, next.Volumes)
}
