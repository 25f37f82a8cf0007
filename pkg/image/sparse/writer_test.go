// SPDX-License-Identifier: Apache-2.0

package sparse_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/sparse"
)

const size = 1 << 20

func newFile(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "volume"))
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	require.NoError(t, file.Truncate(size))
	return file
}

func allocated(t *testing.T, file *os.File) int64 {
	t.Helper()
	info, err := file.Stat()
	require.NoError(t, err)
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}

func TestWriteAtLeavesHolesForZeros(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	w := sparse.NewWriter(file, size)
	p := make([]byte, 256<<10)
	p[100<<10] = 1
	n, err := w.WriteAt(p, 512<<10)
	require.NoError(t, err)
	require.Equal(t, len(p), n)
	require.Equal(t, int64(4096), w.Written())
	require.LessOrEqual(t, allocated(t, file), int64(64<<10))
}

func TestWriteAtKeepsContentAtAnyOffset(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, size)
	for off := 0; off < size; off += 1 + rng.IntN(9000) {
		want[off] = byte(1 + rng.IntN(255))
	}
	file := newFile(t)
	w := sparse.NewWriter(file, size)
	for off := 0; off < size; {
		n := min(1+rng.IntN(20000), size-off)
		_, err := w.WriteAt(want[off:off+n], int64(off))
		require.NoError(t, err)
		off += n
	}
	got, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
}

func TestWriteAtRefusesToGoBeyondTheSize(t *testing.T) {
	t.Parallel()
	w := sparse.NewWriter(newFile(t), size)
	for _, off := range []int64{-1, size, size - 1, 1<<63 - 1} {
		_, err := w.WriteAt([]byte{1, 2}, off)
		require.ErrorContains(t, err, "beyond", "%d", off)
	}
	require.Zero(t, w.Written())
}
