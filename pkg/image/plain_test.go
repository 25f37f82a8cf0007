// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// layoutWith makes an OCI layout of an image that has the files, and a directory /boot/grub. It returns its
// directory, open.
func layoutWith(t *testing.T, files map[string][]byte) *os.File {
	t.Helper()
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "boot/grub/", Typeflag: tar.TypeDir, Mode: 0o755}))
	for name, content := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}))
		_, err := w.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed.Bytes())), nil
	})
	require.NoError(t, err)
	img, err := mutate.AppendLayers(empty.Image, layer)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	require.NoError(t, path.AppendImage(img))
	opened, err := os.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { opened.Close() })
	return opened
}

func plain(dir *os.File, path string) source.Container {
	return source.Container{Image: source.LayoutPrefix + dir.Name(), Path: path, Plain: true}
}

func TestPlainFileIsTakenByteForByte(t *testing.T) {
	t.Parallel()
	raw := disk(mib)
	files := map[string][]byte{
		"boot/odd":   append(bytes.Clone(raw), 7),
		"boot/zeros": make([]byte, 3*4096+1),
		"boot/small": []byte("MZ"),
		"boot/empty": nil,
		// What would be decoded, were they disks.
		"boot/qcow2": toQcow2(t, raw),
		"boot/gzip":  compress(t, raw, "gzip", "-1"),
	}
	dir := layoutWith(t, files)
	for name, want := range files {
		target := newTarget(t)
		result, err := image.ImportContainer(t.Context(), plain(dir, "/"+name), dir, image.Options{Target: target, Egress: loopback, Size: 4 * mib})
		require.NoError(t, err, name)
		assert.Equal(t, int64(len(want)), result.VirtualSizeBytes, name)
		assert.NotEmpty(t, result.Digest, name)
		got, err := os.ReadFile(target.Name())
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got), name)
	}
}

func TestPlainFileThatCannotBeHadIsNamed(t *testing.T) {
	t.Parallel()
	dir := layoutWith(t, map[string][]byte{"boot/large": make([]byte, mib+1)})
	for path, want := range map[string]struct{ reason, message string }{
		"/boot/large": {failure.ImageTooLarge, fmt.Sprintf("/boot/large has %d bytes in the image, more than the 1 MiB that it may have", mib+1)},
		"/boot/other": {failure.NotFound, "the image has no file /boot/other"},
		"/boot/grub":  {failure.NotFound, "/boot/grub is a directory in the image: give the path of a file"},
		"/boot":       {failure.NotFound, "/boot is a directory in the image: give the path of a file"},
		"":            {failure.InvalidRequest, "path: must name the file"},
	} {
		target := newTarget(t)
		_, err := image.ImportContainer(t.Context(), plain(dir, path), dir, image.Options{Target: target, Egress: loopback, Size: mib})
		typed := requireFailed(t, err, target, want.reason, true)
		assert.Contains(t, typed.Message, want.message)
	}
}
