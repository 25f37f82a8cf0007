// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// sourceDisk is a disk of 8 MiB with data at 1 MiB and at its end, that would be taken for a qcow2 image if
// anybody looked.
func sourceDisk(t *testing.T) (*os.File, []byte) {
	t.Helper()
	content := make([]byte, 8<<20)
	copy(content[1<<20:], bytes.Repeat([]byte("disk"), 1<<10))
	copy(content[len(content)-4:], "last")
	file, err := os.Create(filepath.Join(t.TempDir(), "source"))
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	require.NoError(t, file.Truncate(int64(len(content))))
	for _, part := range []struct{ from, to int }{{1 << 20, 1<<20 + 4<<10}, {len(content) - 4, len(content)}} {
		_, err := file.WriteAt(content[part.from:part.to], int64(part.from))
		require.NoError(t, err)
	}
	return file, content
}

func TestACopyHasTheBytesAndTheHolesOfItsSource(t *testing.T) {
	t.Parallel()
	for name, preallocate := range map[string]bool{"sparse": false, "preallocated": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, content := sourceDisk(t)
			target := newTarget(t)
			var last image.Progress
			result, err := image.Copy(t.Context(), source, image.Options{
				Target: target, Size: 10 << 20, Preallocate: preallocate, Progress: func(p image.Progress) { last = p },
			})
			require.NoError(t, err)
			require.Equal(t, int64(len(content)), result.VirtualSizeBytes)
			require.LessOrEqual(t, result.WrittenBytes, int64(64<<10), "holes are not copied")
			require.Equal(t, last.TotalBytes, last.TransferredBytes)
			got, err := os.ReadFile(target.Name())
			require.NoError(t, err)
			require.True(t, bytes.Equal(append(content, make([]byte, 2<<20)...), got), "what is beyond the source reads as zeros")
			info, err := target.Stat()
			require.NoError(t, err)
			taken := info.Sys().(*syscall.Stat_t).Blocks * 512
			if preallocate {
				require.GreaterOrEqual(t, taken, int64(10<<20))
			} else {
				require.LessOrEqual(t, taken, int64(128<<10))
			}
		})
	}
}

func TestACopyIsNeverDecoded(t *testing.T) {
	t.Parallel()
	source, content := sourceDisk(t)
	header := []byte("QFI\xfb\x00\x00\x00\x03")
	_, err := source.WriteAt(header, 0)
	require.NoError(t, err)
	copy(content, header)
	target := newTarget(t)
	_, err = image.Copy(t.Context(), source, image.Options{Target: target, Size: int64(len(content))})
	require.NoError(t, err)
	got, err := os.ReadFile(target.Name())
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))
}

func TestACopyThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for name, test := range map[string]struct {
		ctx       context.Context
		size      int64
		reason    string
		permanent bool
	}{
		"the volume is too small": {context.Background(), 4 << 20, failure.ImageTooLarge, true},
		"it is stopped":           {stopped, 8 << 20, failure.Aborted, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, _ := sourceDisk(t)
			target := newTarget(t)
			_, err := image.Copy(test.ctx, source, image.Options{Target: target, Size: test.size, Preallocate: true})
			var failed *failure.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, test.reason, failed.Reason)
			require.Equal(t, test.permanent, failed.Permanent)
			info, err := target.Stat()
			require.NoError(t, err)
			require.Zero(t, info.Size())
		})
	}
}
