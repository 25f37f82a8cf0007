// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/ptr"
	"libvirt.org/go/libvirtxml"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// builtDisk is the domain's first disk.
func (b *bench) builtDisk(t *testing.T, request *api.StartRequest) libvirtxml.DomainDisk {
	t.Helper()
	var built libvirtxml.Domain
	require.NoError(t, built.Unmarshal(b.hypervisor.domains[uuidOf(request.Instance)].xml))
	return built.Devices.Disks[0]
}

func TestHostDiskIsMadeWhereThatIsAllowed(t *testing.T) {
	b := newBench(t)
	folder := filepath.Join(b.dir, "host")
	require.NoError(t, os.Mkdir(folder, 0o755))
	disk := &kubevirtv1.HostDisk{
		Path: folder + "/a.img", Type: kubevirtv1.HostDiskExistsOrCreate, Capacity: ptr.To(verbatim.MustParse("1500Ki")), Shared: ptr.To(true),
	}
	request := b.request(t)
	request.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{HostDisk: disk}
	_, err := b.Start(t.Context(), request)
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
	require.ErrorContains(t, err, "none is allowed; the administrator of the node allows folders with --host-disk-folder")

	b.options.HostDiskRoots = []string{folder}
	disk.Type = kubevirtv1.HostDiskExists
	_, err = b.Start(t.Context(), request)
	require.ErrorContains(t, err, "no such file")
	disk.Type = kubevirtv1.HostDiskExistsOrCreate
	_, err = b.Start(t.Context(), request)
	require.NoError(t, err)
	info, err := os.Stat(disk.Path)
	require.NoError(t, err)
	assert.Equal(t, int64(1<<20), info.Size())
	built := b.builtDisk(t, request)
	assert.Equal(t, disk.Path, built.Source.File.File)
	assert.NotNil(t, built.Shareable)
	assert.Equal(t, "root", built.Source.File.FDGroup, "QEMU opens no path")
	assert.Equal(t, map[string]string{"root": disk.Path}, b.hypervisor.handed)

	require.NoError(t, b.Delete(testKey(), testUID))
	assert.FileExists(t, disk.Path, "it is not the instance's")
}

func TestHostDiskThatLeadsOutIsRefused(t *testing.T) {
	b := newBench(t)
	folder := filepath.Join(b.dir, "host")
	require.NoError(t, os.Mkdir(folder, 0o755))
	require.NoError(t, os.Symlink("/etc", folder+"/etc"))
	b.options.HostDiskRoots = []string{folder}
	for _, path := range []string{folder + "/../outside.img", folder + "/etc/new.img", "/etc/passwd", folder} {
		request := b.request(t)
		request.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{HostDisk: &kubevirtv1.HostDisk{
			Path: path, Type: kubevirtv1.HostDiskExistsOrCreate, Capacity: ptr.To(verbatim.MustParse("1Mi")),
		}}
		_, err := b.Start(t.Context(), request)
		assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err), path)
	}
	b.assertEmpty(t)
}

func TestHostDiskThatOthersCouldReplaceIsRefused(t *testing.T) {
	b := newBench(t)
	folder := filepath.Join(b.dir, "host")
	require.NoError(t, os.MkdirAll(folder+"/deep", 0o755))
	require.NoError(t, os.WriteFile(folder+"/deep/a.img", make([]byte, 4096), 0o600))
	require.NoError(t, os.Chmod(folder, 0o777|os.ModeSticky))
	b.options.HostDiskRoots = []string{folder}
	start := func(path string) error {
		request := b.request(t)
		request.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{HostDisk: &kubevirtv1.HostDisk{
			Path: path, Type: kubevirtv1.HostDiskExistsOrCreate, Capacity: ptr.To(verbatim.MustParse("1Mi")),
		}}
		_, err := b.Start(t.Context(), request)
		return err
	}
	err := start(folder + "/a.img")
	assert.Equal(t, api.ErrorInvalid, api.ReasonFor(err))
	require.ErrorContains(t, err, "others may write to the folder "+folder)
	assert.NoFileExists(t, folder+"/a.img")
	require.NoError(t, os.Chmod(folder+"/deep", 0o775))
	require.ErrorContains(t, start(folder+"/deep/a.img"), "chmod go-w "+folder+"/deep")
	require.NoError(t, os.Chmod(folder+"/deep", 0o755))
	require.NoError(t, start(folder+"/deep/a.img"))
}

func TestEphemeralClaimIsOnlyRead(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	claim := request.Disks["root"].Path
	require.NoError(t, os.Chmod(claim, 0o400))
	request.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{Ephemeral: &kubevirtv1.EphemeralVolumeSource{
		PersistentVolumeClaim: &kubevirtv1.EphemeralClaim{ClaimName: "disk"},
	}}
	_, err := b.Start(t.Context(), request)
	require.NoError(t, err)
	built := b.builtDisk(t, request)
	assert.Equal(t, claim, built.BackingStore.Source.File.File)
	assert.Equal(t, "root.base", built.BackingStore.Source.File.FDGroup)
	assert.Equal(t, map[string]string{"root.base": claim}, b.hypervisor.handed)
	assert.Nil(t, built.ReadOnly)
	assert.Contains(t, built.Source.File.File, "root.qcow2")
}

func TestImageOfAnObjectIsMade(t *testing.T) {
	b := newBench(t)
	request := b.request(t)
	request.Instance.Spec.Volumes[0].VolumeSource = kubevirtv1.VolumeSource{ConfigMap: &kubevirtv1.ConfigMapVolumeSource{Name: ptr.To("config")}}
	_, err := b.Start(t.Context(), request)
	require.ErrorContains(t, err, "no content was given")
	request.Images = map[string]api.Image{"root": {Label: "cfgdata", Files: map[string][]byte{"../x": nil}}}
	_, err = b.Start(t.Context(), request)
	require.ErrorContains(t, err, "is no relative path in the image")
	request.Images["root"].Files["a"] = []byte("a")
	delete(request.Images["root"].Files, "../x")
	_, err = b.Start(t.Context(), request)
	require.NoError(t, err)
	assert.Contains(t, b.builtDisk(t, request).Source.File.File, "root.iso")
}
