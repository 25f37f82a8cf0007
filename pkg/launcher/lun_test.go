// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/blockdevices"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/blockdevices/loopdevice"
)

// offerDevice has the bench allow a loop device, and returns the path of its node.
func (b *bench) offerDevice(t *testing.T) string {
	t.Helper()
	device, err := blockdevices.Find("tape", loopdevice.Make(t, 4<<20).Path)
	require.NoError(t, err)
	devices, err := blockdevices.Open(filepath.Join(b.dir, "devices"), []blockdevices.Device{device})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, devices.Close()) })
	b.options.DeviceRoots = []string{devices.Path()}
	path, _, err := devices.Locate("tape")
	require.NoError(t, err)
	return path
}

func (b *bench) deviceRequest(t *testing.T, path string, disk kubevirtv1.DiskDevice) *api.StartRequest {
	t.Helper()
	request := b.request(t)
	name := request.Instance.Spec.Volumes[0].Name
	request.Disks[name] = api.DiskSource{Path: path}
	request.Instance.Spec.Domain.Devices.Disks[0].DiskDevice = disk
	return request
}

func TestABlockDeviceIsARawDisk(t *testing.T) {
	b := newBench(t)
	path := b.offerDevice(t)
	request := b.deviceRequest(t, path, kubevirtv1.DiskDevice{Disk: &kubevirtv1.DiskTarget{Bus: ptr.To[kubevirtv1.DiskBus]("virtio")}})
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	built := b.builtDisk(t, request)
	require.NotNil(t, built.Source.Block)
	assert.Equal(t, path, built.Source.Block.Dev)
	assert.Equal(t, "none", built.Driver.Cache, "the page cache is gone by")
}

func TestOnlyNodesThatTheAdministratorOffersAreOpened(t *testing.T) {
	b := newBench(t)
	path := b.offerDevice(t)
	require.NoError(t, os.WriteFile(filepath.Dir(path)+"/file", nil, 0o600))
	for source, says := range map[string]string{
		"/dev/loop0":                    "not below an allowed folder",
		filepath.Dir(path) + "/file":    "is no block device",
		filepath.Dir(path) + "/missing": "no such file",
	} {
		_, err := b.Start(t.Context(), b.deviceRequest(t, source, kubevirtv1.DiskDevice{}))
		assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
		assert.ErrorContains(t, err, says)
	}
	request := b.deviceRequest(t, path, kubevirtv1.DiskDevice{})
	request.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{Ephemeral: &kubevirtv1.EphemeralVolumeSource{}}
	_, err := b.Start(t.Context(), request)
	assert.ErrorContains(t, err, "ephemeral: a block device can't be below")
}

// TestALunNeedsASCSIDevice has none that is one: a machine for tests need not have such disks.
func TestALunNeedsASCSIDevice(t *testing.T) {
	lun := kubevirtv1.DiskDevice{LUN: &kubevirtv1.LunTarget{Bus: ptr.To[kubevirtv1.DiskBus]("scsi")}}
	b := newBench(t)
	_, err := b.Start(t.Context(), b.deviceRequest(t, b.offerDevice(t), lun))
	assert.Equal(t, api.ErrorNoSCSIDevice, api.ReasonFor(err))
	require.ErrorContains(t, err, "takes no SCSI commands (SG_IO), such as a loop")
	require.ErrorContains(t, err, "(root)", "the volume is named")
	require.ErrorContains(t, err, "use disk in place of lun")

	b.start(t)
	request := b.plugRequest(t, kubevirtv1.DiskBusSCSI)
	request.Disk.DiskDevice = lun
	_, err = b.Plug(testTarget(), request)
	assert.Equal(t, api.ErrorNoSCSIDevice, api.ReasonFor(err))
	require.ErrorContains(t, err, "volume more: ")
	require.ErrorContains(t, err, "this one is a file")
	assert.Zero(t, b.hypervisor.count("attach device"))
}
