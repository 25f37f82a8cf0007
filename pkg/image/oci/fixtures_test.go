// SPDX-License-Identifier: Apache-2.0

package oci_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/oci"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// entry is a file in a layer: a plain one unless it says otherwise.
type entry struct {
	name, content string
	kind          byte
}

func file(name, content string) entry { return entry{name: name, content: content, kind: tar.TypeReg} }

// packed is a layer of these entries.
func packed(t testing.TB, entries ...entry) v1.Layer {
	t.Helper()
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Typeflag: e.kind, Size: int64(len(e.content)), Mode: 0o644}
		if e.kind != tar.TypeReg {
			header.Size, header.Linkname = 0, e.content
		}
		require.NoError(t, w.WriteHeader(header))
		if e.kind == tar.TypeReg {
			_, err := io.WriteString(w, e.content)
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(raw.Bytes())), nil
	})
	require.NoError(t, err)
	return layer
}

// built is an image of these layers, the lowest first.
func built(t testing.TB, layers ...v1.Layer) v1.Image {
	t.Helper()
	image, err := mutate.AppendLayers(empty.Image, layers...)
	require.NoError(t, err)
	return image
}

func digestOf(t testing.TB, image v1.Image) string {
	t.Helper()
	digest, err := image.Digest()
	require.NoError(t, err)
	return digest.String()
}

// serve runs a registry, with wrap around it, and returns its address.
func serve(t testing.TB, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// push puts the image into the registry and returns its reference.
func push(t testing.TB, address string, image v1.Image) string {
	t.Helper()
	reference, err := name.ParseReference(address + "/disks/small:1")
	require.NoError(t, err)
	require.NoError(t, remote.Write(reference, image))
	return reference.String()
}

// laidOut writes the images as a layout, each with its tag.
func laidOut(t testing.TB, images map[string]v1.Image) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	for tag, image := range images {
		require.NoError(t, path.AppendImage(image, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag})))
	}
	return dir
}

// archived makes an archive of a layout.
func archived(t testing.TB, dir string) string {
	t.Helper()
	archive, err := os.Create(filepath.Join(t.TempDir(), "image.tar"))
	require.NoError(t, err)
	defer archive.Close()
	w := tar.NewWriter(archive)
	require.NoError(t, w.AddFS(os.DirFS(dir)))
	require.NoError(t, w.Close())
	return archive.Name()
}

func options() oci.Options {
	return oci.Options{
		MaxBytes: 3 << 20, IdleTimeout: 30 * time.Second,
		Egress: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	}
}

// read returns the disk of an image.
func read(t testing.TB, src source.Container, opts oci.Options) (string, error) {
	t.Helper()
	if local, ok := source.ParseLocal(src.Image); ok {
		f, err := os.Open(local.Path)
		require.NoError(t, err)
		defer f.Close()
		opts.File = f
	}
	disk, err := oci.Open(context.Background(), src, opts)
	if err != nil {
		return "", err
	}
	defer disk.Close()
	content, err := io.ReadAll(disk)
	return string(content), err
}
