// SPDX-License-Identifier: Apache-2.0

package qcow2_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/qcow2"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/sparse"
)

// FuzzQcow2Decode wants every image to be decoded or refused with a reason,
// and nothing to be written beyond the volume's size.
func FuzzQcow2Decode(f *testing.F) {
	const size = 8 * mib
	for _, options := range []string{"compat=1.1", "compat=0.10", "compression_type=zstd"} {
		for _, compress := range []bool{false, true} {
			f.Add(tiny(f, options, compress))
		}
	}
	f.Fuzz(func(t *testing.T, image []byte) {
		fd, err := unix.MemfdCreate("volume", unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		target := os.NewFile(uintptr(fd), "volume")
		defer target.Close()
		_, err = qcow2.Decode(t.Context(), bytes.NewReader(image), qcow2.Options{
			Guest: sparse.NewWriter(target, size), MaxSize: size, MaxFileSize: 64 * mib,
			Spool: target, SpoolStart: size, MaxSpool: 64 * mib, MaxItems: 1 << 16,
		})
		if typed := failure.From(err); typed != nil && typed.Reason == failure.ImportFailed {
			t.Fatalf("no reason is told for: %v", err)
		}
	})
}

// tiny returns an image of a few kilobytes whose tables were moved to its end,
// so that all of the decoder is used.
func tiny(t testing.TB, options string, compress bool) []byte {
	t.Helper()
	content := make([]byte, 20<<10)
	copy(content[3000:], "some data, and more of it")
	image := filepath.Join(t.TempDir(), "tiny.qcow2")
	args := []string{"convert", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=512," + options}
	if compress {
		args = append(args, "-c")
	}
	run(t, "qemu-img", append(args, writeRaw(t, content), image)...)
	run(t, "qemu-img", "resize", "-q", image, "3M")
	qemuIO(t, image, "write -q -P 7 2M 600")
	b, err := os.ReadFile(image)
	require.NoError(t, err)
	return b
}
