// SPDX-License-Identifier: Apache-2.0

package diskspace_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
)

const mib = 1 << 20

// onSmallDisk returns a file on a file system of its own with 40 MiB.
func onSmallDisk(t *testing.T) *os.File {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=40m"), "mounting needs root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	file, err := os.Create(filepath.Join(dir, "file"))
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

func TestTheFloorIsAPartOfASmallFileSystem(t *testing.T) {
	t.Parallel()
	assert.EqualValues(t, 2*mib, diskspace.Space{Total: 40 * mib}.Floor())
	assert.EqualValues(t, 1<<30, diskspace.Space{Total: 1 << 40}.Floor())
}

func TestCheckJudgesBeforehand(t *testing.T) {
	t.Parallel()
	file := onSmallDisk(t)
	require.NoError(t, diskspace.Check(file, 38*mib))
	err := diskspace.Check(file, 39*mib)
	require.ErrorIs(t, err, unix.ENOSPC)
	require.ErrorContains(t, err, "has 40 MiB left, of which 2 MiB are kept free, and 39 MiB are needed")
}

func TestAGuardStopsAWriterAtTheFloor(t *testing.T) {
	t.Parallel()
	file := onSmallDisk(t)
	guard, chunk := diskspace.NewGuard(file), make([]byte, 64<<10)
	for {
		if err := guard.Take(int64(len(chunk))); err != nil {
			require.ErrorIs(t, err, unix.ENOSPC)
			break
		}
		_, err := file.Write(chunk)
		require.NoError(t, err, "the disk is full before the guard says so")
	}
	space, err := diskspace.Of(file)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, space.Free, space.Floor())
	assert.Less(t, space.Free, space.Floor()+2*mib, "it stopped too early")
}
