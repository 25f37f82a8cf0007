// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// smallDisk returns a file on a file system of its own with 2 MiB of space.
func smallDisk(t *testing.T) *os.File {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"), "mounting needs root")
	// Detached, as a child that another test is just starting may still have the file open.
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	file, err := os.Create(filepath.Join(dir, "volume"))
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

func TestImportTellsAFullDiskAndLeavesNothingOnIt(t *testing.T) {
	t.Parallel()
	full := make([]byte, 4*mib)
	for i := range full {
		full[i] = byte(i%255 + 1)
	}
	for name, body := range map[string][]byte{
		"raw":        full,
		"qcow2":      toQcow2(t, full),
		"compressed": toQcow2(t, full, "-c"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := smallDisk(t)
			_, err := image.Import(t.Context(), serve(t, content(body)), image.Options{Target: target, Egress: loopback, Size: 8 * mib})
			requireFailed(t, err, target, failure.NoSpace, false)
		})
	}
}

func TestBlankTellsAFullDiskWhenItReservesSpace(t *testing.T) {
	t.Parallel()
	target := smallDisk(t)
	_, err := image.Blank(image.Options{Target: target, Size: 8 * mib, Preallocate: true})
	requireFailed(t, err, target, failure.NoSpace, false)

	_, err = image.Blank(image.Options{Target: target, Size: 8 * mib})
	require.NoError(t, err, "holes take no space")
}
