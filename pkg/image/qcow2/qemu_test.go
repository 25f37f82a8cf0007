// SPDX-License-Identifier: Apache-2.0

package qcow2_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/qcow2"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/sparse"
)

const mib = 1 << 20

// run runs a command of QEMU, the oracle of these tests.
func run(t testing.TB, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
}

// qemuIO runs commands on an image, in one process.
func qemuIO(t testing.TB, image string, commands ...string) {
	t.Helper()
	args := []string{"-f", "qcow2", image}
	for _, c := range commands {
		args = append(args, "-c", c)
	}
	out, err := exec.Command("qemu-io", args...).CombinedOutput()
	require.NoError(t, err, "qemu-io %v: %s", commands, out)
	require.NotContains(t, string(out), "failed")
}

// disk returns size bytes like those of a disk: data that compresses, data
// that does not, and much that is zero.
func disk(seed uint64, size int) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, size)
	for off := 0; off < size; {
		n := min(1+rng.IntN(300<<10), size-off)
		switch rng.IntN(4) {
		case 0:
			for i := range n {
				b[off+i] = byte(rng.Uint32())
			}
		case 1:
			copy(b[off:off+n], bytes.Repeat(fmt.Appendf(nil, "line %d of text\n", off), n/16+1))
		}
		off += n
	}
	return b
}

func writeRaw(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.raw")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// oracle returns the disk that qemu-img sees in image.
func oracle(t testing.TB, image string) []byte {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "oracle.raw")
	run(t, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, raw)
	b, err := os.ReadFile(raw)
	require.NoError(t, err)
	return b
}

// decoded is what a decoder made of an image.
type decoded struct {
	qcow2.Result
	disk    []byte
	written int64
}

// decode decodes an image into a volume of size bytes, as the importer does.
func decode(t testing.TB, image []byte, size int64) (decoded, error) {
	t.Helper()
	target, err := os.Create(filepath.Join(t.TempDir(), "target.raw"))
	require.NoError(t, err)
	defer target.Close()
	require.NoError(t, target.Truncate(size))
	guest := sparse.NewWriter(target, size)
	result, err := qcow2.Decode(t.Context(), bytes.NewReader(image), qcow2.Options{
		Guest: guest, MaxSize: size, MaxFileSize: 4*size + 64*mib, Spool: target, SpoolStart: size, MaxSpool: 64 * mib,
	})
	if err != nil {
		return decoded{}, err
	}
	require.NoError(t, target.Truncate(size))
	content, err := os.ReadFile(target.Name())
	require.NoError(t, err)
	return decoded{Result: result, disk: content, written: guest.Written()}, nil
}

// requireSameAsQEMU decodes image and compares with what qemu-img sees.
func requireSameAsQEMU(t *testing.T, image string) decoded {
	t.Helper()
	want := oracle(t, image)
	file, err := os.ReadFile(image)
	require.NoError(t, err)
	got, err := decode(t, file, int64(len(want))+3*mib)
	require.NoError(t, err)
	require.Equal(t, int64(len(want)), got.Header.VirtualSize)
	require.True(t, bytes.Equal(want, got.disk[:len(want)]), "the disk differs from qemu-img's")
	require.Zero(t, bytes.Count(got.disk[len(want):], []byte{1}), "something was written beyond the virtual size")
	return got
}
