// SPDX-License-Identifier: Apache-2.0

package oci_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/oci"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

func junkLayer(_ testing.TB, content string) v1.Layer {
	return static.NewLayer([]byte(content), types.DockerLayer)
}

func TestImageOnDiskIsReadWithoutARegistry(t *testing.T) {
	t.Parallel()
	one := built(t, packed(t, file("disk/a", "one")))
	two := built(t, packed(t, file("disk/a", "two")))
	dir := laidOut(t, map[string]v1.Image{"one": one, "two": two})
	for image, want := range map[string]string{
		source.LayoutPrefix + dir + ":one":                              "one",
		source.LayoutPrefix + dir + "@" + digestOf(t, two):              "two",
		source.ArchivePrefix + archived(t, dir) + ":two":                "two",
		source.LayoutPrefix + laidOut(t, map[string]v1.Image{"x": one}): "one",
	} {
		got, err := read(t, source.Container{Image: image}, options())
		require.NoError(t, err, image)
		assert.Equal(t, want, got, image)
	}
	_, err := read(t, source.Container{Image: source.LayoutPrefix + dir}, options())
	require.ErrorContains(t, err, "there are 2 images: choose one by appending :TAG or @DIGEST")
	_, err = read(t, source.Container{Image: source.ArchivePrefix + archived(t, dir) + ":three"}, options())
	require.ErrorContains(t, err, "there is no image of that name")
}

func TestImageOnDiskIsCheckedAsOneFromARegistryIs(t *testing.T) {
	t.Parallel()
	image := built(t, packed(t, file("disk/a", noise(10_000))))
	layers, err := image.Layers()
	require.NoError(t, err)
	digest, err := layers[0].Digest()
	require.NoError(t, err)
	spoiled := func(change func(blob string) error) string {
		dir := laidOut(t, map[string]v1.Image{"x": image})
		require.NoError(t, change(filepath.Join(dir, "blobs", "sha256", digest.Hex)))
		return source.LayoutPrefix + dir
	}
	for reason, place := range map[string]string{
		failure.NotFound:  spoiled(os.Remove),
		failure.Truncated: spoiled(func(blob string) error { return os.Truncate(blob, 0) }),
		failure.ChecksumError: spoiled(func(blob string) error {
			// The rest unpacks, so that only the digest tells.
			f, err := os.OpenFile(blob, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte{7}, 4) // when it was compressed
			return err
		}),
	} {
		_, err := read(t, source.Container{Image: place}, options())
		require.Error(t, err, reason)
		assert.Equal(t, reason, failure.From(err).Reason, "%v", err)
	}
	linked := spoiled(func(blob string) error {
		require.NoError(t, os.Rename(blob, blob+".elsewhere"))
		return os.Symlink(blob+".elsewhere", blob)
	})
	_, err = read(t, source.Container{Image: linked}, options())
	require.ErrorContains(t, err, "symbolic link")
}

func TestWhatIsNoLayoutIsRefused(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	plain := filepath.Join(empty, "plain")
	require.NoError(t, os.WriteFile(plain, []byte(noise(2048)), 0o600))
	for image, want := range map[string]string{
		source.LayoutPrefix + empty:  "is no OCI image layout",
		source.LayoutPrefix + plain:  "is it an archive, oci-archive:PATH?",
		source.ArchivePrefix + empty: "is it a directory, oci-layout:PATH?",
		source.ArchivePrefix + plain: "is no plain tar archive",
		source.LayoutPrefix + "rel":  "no clean absolute path",
	} {
		src := source.Container{Image: image}
		local, _ := source.ParseLocal(image)
		opts := options()
		if f, err := os.Open(local.Path); err == nil {
			defer f.Close()
			opts.File = f
		}
		_, err := oci.Open(t.Context(), src, opts)
		require.ErrorContains(t, err, want, image)
	}
}

func FuzzArchiveIsReadOrRefused(f *testing.F) {
	seed, err := os.ReadFile(archived(f, laidOut(f, map[string]v1.Image{"x": built(f, packed(f, file("disk/a", "a")))})))
	require.NoError(f, err)
	f.Add(seed)
	f.Add([]byte("no archive"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "image.tar")
		require.NoError(t, os.WriteFile(path, raw, 0o600))
		archive, err := os.Open(path)
		require.NoError(t, err)
		defer archive.Close()
		opts := options()
		opts.File = archive
		disk, err := oci.Open(t.Context(), source.Container{Image: source.ArchivePrefix + path}, opts)
		if err != nil {
			return
		}
		defer disk.Close()
		n, err := io.Copy(io.Discard, disk)
		if err == nil {
			assert.Equal(t, disk.Size(), n)
		}
	})
}
