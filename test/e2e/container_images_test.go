// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"archive/tar"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// containerImages are container images with the small Linux: in a registry on loopback, and on disk.
type containerImages struct {
	// registry is its address.
	registry string
	// folder is one that the administrator allows; linux.tar and the layout linux are in it.
	folder string
}

// reference of the image in the registry.
func (c *containerImages) reference() string { return c.registry + "/guests/linux:1" }

// makeContainerImages packs disk.
func makeContainerImages(folder, disk string) (*containerImages, error) {
	packed := filepath.Join(folder, "layer.tar")
	if err := packDisk(packed, disk); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromFile(packed)
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	c := &containerImages{folder: folder}
	if err := c.write(image); err != nil {
		return nil, err
	}
	return c, c.serve(image)
}

// packDisk makes a layer with the disk where a container disk has it.
func packDisk(layer, disk string) error {
	out, err := os.Create(layer)
	if err != nil {
		return err
	}
	defer out.Close()
	in, err := os.Open(disk)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	if err := w.WriteHeader(&tar.Header{Name: "disk/linux.qcow2", Mode: 0o440, Uid: 107, Gid: 107, Size: info.Size()}); err != nil {
		return err
	}
	if _, err := io.Copy(w, in); err != nil {
		return err
	}
	return w.Close()
}

// write puts the image on disk.
func (c *containerImages) write(image v1.Image) error {
	dir := filepath.Join(c.folder, "linux")
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendImage(image); err != nil {
		return err
	}
	archive, err := os.Create(dir + ".tar")
	if err != nil {
		return err
	}
	defer archive.Close()
	w := tar.NewWriter(archive)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		return err
	}
	return w.Close()
}

// serve runs a registry that has the image.
func (c *containerImages) serve(image v1.Image) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.registry = listener.Addr().String()
	go func() { _ = http.Serve(listener, registry.New(registry.Logger(log.New(io.Discard, "", 0)))) }()
	reference, err := name.ParseReference(c.reference())
	if err != nil {
		return err
	}
	return remote.Write(reference, image)
}
