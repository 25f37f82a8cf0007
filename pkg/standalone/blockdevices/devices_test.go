// SPDX-License-Identifier: Apache-2.0

package blockdevices

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/blockdevices/loopdevice"
)

const mib = 1 << 20

func find(t *testing.T, name, path string) Device {
	t.Helper()
	device, err := Find(name, path)
	require.NoError(t, err)
	return device
}

func openDevices(t *testing.T, dir string, offered ...Device) *Devices {
	t.Helper()
	devices, err := Open(dir, offered)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, devices.Close()) })
	return devices
}

func TestADeviceHasANodeOfOurOwn(t *testing.T) {
	loop := loopdevice.Make(t, 4*mib)
	link := filepath.Join(t.TempDir(), "by-id")
	require.NoError(t, os.Symlink(loop.Path, link))
	dir := filepath.Join(t.TempDir(), "devices")
	device := find(t, "tape", link)
	require.NoError(t, os.Remove(link), "it is resolved once")
	path, size, err := openDevices(t, dir, device).Locate("tape")
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "tape"), path)
	assert.EqualValues(t, 4*mib, size)

	file, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = file.WriteString("content")
	require.NoError(t, err)
	require.NoError(t, file.Sync())
	require.NoError(t, file.Close())
	assert.Equal(t, "content", loop.Read(t, 7))
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o711), info.Mode().Perm())
}

func TestTheNodeThatAGuestHasStaysAndOthersGo(t *testing.T) {
	dir, loop := t.TempDir(), loopdevice.Make(t, mib)
	first := openDevices(t, dir, find(t, "tape", loop.Path), find(t, "other", loopdevice.Make(t, mib).Path))
	path, _, err := first.Locate("tape")
	require.NoError(t, err)
	require.NoError(t, os.Chown(path, 64055, 106), "as libvirt does for QEMU")
	second := openDevices(t, dir, find(t, "tape", loop.Path))
	var info unix.Stat_t
	require.NoError(t, unix.Stat(path, &info))
	assert.EqualValues(t, 64055, info.Uid)
	assert.NoFileExists(t, filepath.Join(dir, "other"))
	_, _, err = second.Locate("other")
	assert.ErrorContains(t, err, `no block device "other" is on offer, only tape`)
	_, _, err = openDevices(t, t.TempDir()).Locate("tape")
	assert.ErrorContains(t, err, "--block-device NAME=/dev/…")
}

func TestANameThatMeansAnotherDeviceNowLeadsThere(t *testing.T) {
	dir := t.TempDir()
	openDevices(t, dir, find(t, "tape", loopdevice.Make(t, mib).Path))
	_, size, err := openDevices(t, dir, find(t, "tape", loopdevice.Make(t, 2*mib).Path)).Locate("tape")
	require.NoError(t, err)
	assert.EqualValues(t, 2*mib, size)
}

func TestAnotherDiskInTheSamePlaceIsNoticed(t *testing.T) {
	loop := loopdevice.Make(t, mib)
	devices := openDevices(t, t.TempDir(), find(t, "tape", loop.Path))
	loop.Replace(t, mib)
	_, _, err := devices.Locate("tape")
	require.ErrorContains(t, err, loop.Path)
	require.ErrorContains(t, err, "start it again")
}

func TestWhatIsNoDeviceToGiveAwayIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for path, says := range map[string]string{
		file: "is no block device", "/dev/null": "is no block device", "/dev/missing": "no such file",
	} {
		_, err := Find("tape", path)
		assert.ErrorContains(t, err, says)
	}
	loop := loopdevice.Make(t, 8*mib)
	loop.Mount(t)
	_, err := Find("tape", loop.Path)
	assert.ErrorContains(t, err, "in use by the machine itself: unmount it")
}

func TestDevicesThatOverlapAreRefused(t *testing.T) {
	loop := loopdevice.Make(t, mib)
	tape := find(t, "tape", loop.Path)
	_, err := Open(t.TempDir(), []Device{tape, find(t, "again", loop.Path)})
	require.ErrorContains(t, err, "the same block device")
	_, err = Open(t.TempDir(), []Device{tape, find(t, "tape", loopdevice.Make(t, mib).Path)})
	require.ErrorContains(t, err, "given to two block devices")
	part := Device{Name: "part", sysfs: tape.sysfs + "/loop0p1"}
	_, err = Open(t.TempDir(), []Device{tape, part})
	require.ErrorContains(t, err, "a part of the other")
	assert.False(t, part.overlaps(Device{sysfs: tape.sysfs + "1"}))
}
