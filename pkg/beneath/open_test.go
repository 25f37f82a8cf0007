// SPDX-License-Identifier: Apache-2.0

package beneath_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/beneath"
)

func TestOnlyWhatLiesBelowARootIsOpened(t *testing.T) {
	top := t.TempDir()
	root := filepath.Join(top, "root")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "deep"), 0o755))
	for _, file := range []string{"outside", "root/inside", "root/deep/inside"} {
		require.NoError(t, os.WriteFile(filepath.Join(top, file), []byte(file), 0o600))
	}
	require.NoError(t, os.Symlink("../outside", filepath.Join(root, "out")))
	require.NoError(t, os.Symlink("inside", filepath.Join(root, "link")))
	require.NoError(t, os.Symlink("deep", filepath.Join(root, "way")))
	require.NoError(t, unix.Mkfifo(filepath.Join(root, "pipe"), 0o600))

	for path, want := range map[string]string{
		root + "/inside":         "",
		root + "/deep/inside":    "",
		root + "/out":            "symbolic link",
		root + "/link":           "symbolic link",
		root + "/way/inside":     "symbolic link",
		root + "/../outside":     "no clean absolute path",
		"inside":                 "no clean absolute path",
		top + "/outside":         "is not below an allowed folder (" + root + ")",
		root:                     "is not below an allowed folder",
		root + "/deep":           "is no regular file",
		root + "/pipe":           "is no regular file",
		root + "/missing/inside": "no such file",
	} {
		f, err := beneath.Regular([]string{root}, path, unix.O_RDONLY)
		if want != "" {
			assert.ErrorContains(t, err, want, path)
			continue
		}
		require.NoError(t, err, path)
		assert.Equal(t, path, f.Name())
		require.NoError(t, f.Close())
	}
	_, err := beneath.Device([]string{root}, root+"/inside", unix.O_RDONLY)
	assert.ErrorContains(t, err, "is no block device")
	_, err = beneath.Device([]string{"/dev"}, "/dev/null", unix.O_RDONLY)
	assert.ErrorContains(t, err, "is no block device")
	_, err = beneath.Open(nil, "/etc/passwd", unix.O_RDONLY)
	assert.ErrorContains(t, err, "none is allowed")
}

func TestAFileIsMadeForItsOwnerAlone(t *testing.T) {
	root := t.TempDir()
	f, err := beneath.Regular([]string{root}, root+"/new", unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	_, err = beneath.Regular([]string{root}, root+"/new", unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	assert.ErrorIs(t, err, os.ErrExist)
}
