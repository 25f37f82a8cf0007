// SPDX-License-Identifier: Apache-2.0

package domain

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestALUNComesToARunningGuest(t *testing.T) {
	lun := &kubevirtv1.Disk{Name: "array", DiskDevice: kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{}}}
	device := File{Path: "/devices/array", DirectIO: true, Device: &Device{LogicalBlockSize: 512, PhysicalBlockSize: 512}}
	text, err := Plugged(lun, device, map[string]string{"root": "sda"})
	require.NoError(t, err)
	assert.Contains(t, text, `<disk type="block" device="lun">`)
	assert.Contains(t, text, `<source dev="/devices/array">`)
	assert.Contains(t, text, `<target dev="sdb" bus="scsi">`)

	_, err = Plugged(&kubevirtv1.Disk{Name: "cd", DiskDevice: kubevirtv1.DiskDevice{CDRom: &kubevirtv1.CDRomTarget{}}}, device, nil)
	assert.ErrorContains(t, err, "only disks on scsi or virtio, and luns")
}
