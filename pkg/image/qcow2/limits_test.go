// SPDX-License-Identifier: Apache-2.0

package qcow2_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/qcow2"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/sparse"
)

func TestDecodeBoundsTheMemoryForMappings(t *testing.T) {
	t.Parallel()
	image := filepath.Join(t.TempDir(), "image.qcow2")
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", image, "4M")
	var commands []string
	for off := 0; off < 4*mib; off += 128 << 10 {
		commands = append(commands, fmt.Sprintf("write -q %d 64k", off))
	}
	qemuIO(t, image, commands...)
	fragmented, err := os.ReadFile(image)
	require.NoError(t, err)
	target, err := os.Create(filepath.Join(t.TempDir(), "target"))
	require.NoError(t, err)
	defer target.Close()
	_, err = qcow2.Decode(t.Context(), bytes.NewReader(fragmented), qcow2.Options{
		Guest: sparse.NewWriter(target, 8*mib), MaxSize: 8 * mib, MaxFileSize: 64 * mib,
		Spool: target, SpoolStart: 8 * mib, MaxSpool: 64 * mib, MaxItems: 16,
	})
	var typed *failure.Error
	require.ErrorAs(t, err, &typed)
	require.Equal(t, failure.ImageTooFragmented, typed.Reason)
}

func TestDecodeBoundsWhatItSetsAside(t *testing.T) {
	t.Parallel()
	image := small(t)
	// The L1 table moves behind everything.
	moved := append(bytes.Clone(image), image[l1(image):l1(image)+4096]...)
	set64(moved, 40, uint64(len(image)))
	_, err := decode(t, moved, 8*mib)
	require.NoError(t, err)

	target, err := os.Create(filepath.Join(t.TempDir(), "target"))
	require.NoError(t, err)
	defer target.Close()
	_, err = qcow2.Decode(t.Context(), bytes.NewReader(moved), qcow2.Options{
		Guest: sparse.NewWriter(target, 8*mib), MaxSize: 8 * mib, MaxFileSize: 64 * mib,
		Spool: target, SpoolStart: 8 * mib, MaxSpool: 64 << 10,
	})
	var typed *failure.Error
	require.ErrorAs(t, err, &typed)
	require.Equal(t, failure.ImageTooFragmented, typed.Reason)
}

// countingReader counts the bytes that are read from it.
type countingReader struct {
	r    *bytes.Reader
	read int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read += n
	return n, err
}

func TestDecodeRefusesTooLargeAnImageBeforeItIsRead(t *testing.T) {
	t.Parallel()
	image := append(small(t), make([]byte, 32*mib)...)
	r := &countingReader{r: bytes.NewReader(image)}
	_, err := qcow2.Decode(t.Context(), r, qcow2.Options{MaxSize: mib})
	require.ErrorContains(t, err, "virtual size 4194304 is larger than the requested 1048576")
	require.LessOrEqual(t, r.read, mib)
}
