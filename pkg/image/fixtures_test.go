// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const mib = 1 << 20

// loopback is where servers of tests are.
var loopback = egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

// disk returns the content of a small disk: some data, mostly zeros.
func disk(size int) []byte {
	rng := rand.New(rand.NewPCG(1, 7))
	b := make([]byte, size)
	for off := 0; off < size; off += mib / 2 {
		for i := range min(64<<10, size-off) {
			b[off+i] = byte(rng.Uint32())
		}
		copy(b[off+128<<10:], bytes.Repeat(fmt.Appendf(nil, "text %d ", off), 4000))
	}
	return b
}

// output runs a command with stdin and returns its stdout.
func output(t testing.TB, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s %v: %s", name, args, &stderr)
	return out
}

// toQcow2 returns the disk as a qcow2 image.
func toQcow2(t testing.TB, content []byte, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	raw, out := filepath.Join(dir, "disk.raw"), filepath.Join(dir, "disk.qcow2")
	require.NoError(t, os.WriteFile(raw, content, 0o600))
	output(t, nil, "qemu-img", append(append([]string{"convert", "-f", "raw", "-O", "qcow2"}, args...), raw, out)...)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	return b
}

// compress returns b compressed by the named program.
func compress(t testing.TB, b []byte, name string, args ...string) []byte {
	t.Helper()
	return output(t, b, name, append(args, "-c")...)
}

// content serves b with a length.
func content(b []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	})
}

func serve(t testing.TB, h http.Handler) source.HTTP {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return source.HTTP{URL: server.URL + "/disk"}
}

// newTarget returns a volume's file that holds something old.
func newTarget(t testing.TB) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "volume"))
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	_, err = file.WriteString("what was here before")
	require.NoError(t, err)
	return file
}

// usage returns the size of file and the space it takes.
func usage(t testing.TB, file *os.File) (size, allocated int64) {
	t.Helper()
	info, err := file.Stat()
	require.NoError(t, err)
	return info.Size(), info.Sys().(*syscall.Stat_t).Blocks * 512
}

// requireVolume wants file to have size bytes: content, then zeros.
func requireVolume(t testing.TB, file *os.File, content []byte, size int64) {
	t.Helper()
	got, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Equal(t, size, int64(len(got)))
	require.True(t, bytes.Equal(content, got[:len(content)]), "the content differs")
	require.Equal(t, size-int64(len(content)), int64(bytes.Count(got[len(content):], []byte{0})))
}

// requireFailed wants err to have a reason, and nothing left in file.
func requireFailed(t testing.TB, err error, file *os.File, reason string, permanent bool) *image.Error {
	t.Helper()
	var typed *image.Error
	require.ErrorAs(t, err, &typed)
	assert.Equal(t, reason, typed.Reason, typed.Message)
	assert.Equal(t, permanent, typed.Permanent, typed.Message)
	size, allocated := usage(t, file)
	assert.Zero(t, size, "the target is not empty")
	assert.Zero(t, allocated, "the target takes space")
	return typed
}
