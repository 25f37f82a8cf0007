// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// machineOnLUN has its first disk be a lun.
func machineOnLUN() (*kubevirtv1.VirtualMachine, *kubevirtv1.Disk) {
	vm := machine()
	disk := &vm.Spec.Template.Spec.Domain.Devices.Disks[0]
	disk.DiskDevice, disk.Serial = kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{ReadOnly: ptr.To(true)}}, ptr.To("")
	return vm, disk
}

func TestALUNIsAClaimOnSCSI(t *testing.T) {
	vm, disk := machineOnLUN()
	assert.Empty(t, validation.ValidateVirtualMachine(vm))
	disk.LUN.Bus, disk.Shareable = ptr.To(kubevirtv1.DiskBusSCSI), ptr.To(true)
	assert.Empty(t, validation.ValidateVirtualMachine(vm))

	const path = "spec.template.spec.domain.devices.disks[0]"
	for name, test := range map[string]struct {
		change func(*kubevirtv1.Disk, *kubevirtv1.Volume)
		field  string
		kind   field.ErrorType
	}{
		"on sata":       {func(d *kubevirtv1.Disk, _ *kubevirtv1.Volume) { d.LUN.Bus = ptr.To[kubevirtv1.DiskBus]("sata") }, path + ".lun.bus", field.ErrorTypeNotSupported},
		"a cdrom too":   {func(d *kubevirtv1.Disk, _ *kubevirtv1.Volume) { d.CDRom = &kubevirtv1.CDRomTarget{} }, path, field.ErrorTypeInvalid},
		"with a serial": {func(d *kubevirtv1.Disk, _ *kubevirtv1.Volume) { d.Serial = ptr.To("s1") }, path + ".serial", field.ErrorTypeInvalid},
		"with blocks": {func(d *kubevirtv1.Disk, _ *kubevirtv1.Volume) {
			d.BlockSize = &kubevirtv1.BlockSize{Custom: &kubevirtv1.CustomBlockSize{Logical: ptr.To[uint](512), Physical: ptr.To[uint](512)}}
		}, path + ".blockSize", field.ErrorTypeInvalid},
		"with a thread": {func(d *kubevirtv1.Disk, _ *kubevirtv1.Volume) { d.DedicatedIOThread = ptr.To(true) }, path, field.ErrorTypeNotSupported},
		"no claim": {func(_ *kubevirtv1.Disk, v *kubevirtv1.Volume) {
			v.VolumeSource = kubevirtv1.VolumeSource{EmptyDisk: &kubevirtv1.EmptyDiskSource{Capacity: verbatim.MustParse("1Gi")}}
		}, path + ".lun", field.ErrorTypeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			vm, disk := machineOnLUN()
			test.change(disk, &vm.Spec.Template.Spec.Volumes[0])
			errs := validation.ValidateVirtualMachine(vm)
			require.NotEmpty(t, errs)
			var found []string
			for _, err := range errs {
				found = append(found, string(err.Type)+" "+err.Field)
			}
			assert.Contains(t, found, string(test.kind)+" "+test.field)
		})
	}
}
