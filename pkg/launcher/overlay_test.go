// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// containerDisk makes the request's only volume one of a container image.
func containerDisk(request *api.StartRequest) {
	request.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{
		ContainerDisk: &kubevirtv1.ContainerDiskSource{Image: "registry.example/disk:1"},
	}
}

func TestContainerDiskIsSharedAndWrittenOnTop(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	containerDisk(request)
	base := request.Disks["root"].Path
	require.NoError(t, os.Truncate(base, 1000))
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)

	dir := filepath.Join(b.dir, "state", "domains", string(testUID))
	var built libvirtxml.Domain
	require.NoError(t, built.Unmarshal(b.hypervisor.domains[uuidOf(request.Instance)].xml))
	disk := built.Devices.Disks[0]
	assert.Equal(t, "qcow2", disk.Driver.Type)
	assert.Equal(t, filepath.Join(dir, "root.qcow2"), disk.Source.File.File)
	assert.Equal(t, filepath.Join(dir, "root.base"), disk.BackingStore.Source.File.File)
	assert.Equal(t, "raw", disk.BackingStore.Format.Type)
	assert.NotNil(t, disk.BackingStore.BackingStore, "nothing is looked for below it")

	require.NoError(t, os.Remove(base), "the cache may drop it")
	info, err := os.Stat(filepath.Join(dir, "root.base"))
	require.NoError(t, err)
	assert.Equal(t, int64(1000), info.Size())
	require.NoError(t, b.Delete(testKey(), testUID))
	assert.NoDirExists(t, dir)
}

func TestContainerDiskThatIsNotThereIsRefused(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	containerDisk(request)
	request.Disks["root"] = api.DiskSource{Path: "/etc/passwd"}
	_, err := b.Start(t.Context(), request)
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
	request.Disks = nil
	_, err = b.Start(t.Context(), request)
	require.ErrorContains(t, err, "no disk was given")
	b.assertEmpty(t)
}
