// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"archive/tar"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
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

// containerImages are container images with the small Linux, and with its kernel and initrd alone: in a registry on
// loopback, and on disk.
type containerImages struct {
	// registry is its address.
	registry string
	// folder is one that the administrator allows; linux.tar and the layout linux are in it, boot.tar and boot.
	folder string
}

// reference of the image in the registry.
func (c *containerImages) reference() string { return c.registry + "/guests/linux:1" }

// boot is the reference of the image with /boot/vmlinuz and /boot/initrd.
func (c *containerImages) boot() string { return c.registry + "/guests/boot:1" }

// makeContainerImages packs disk, and what it boots.
func makeContainerImages(folder, disk string) (*containerImages, error) {
	c := &containerImages{folder: folder}
	if err := c.serve(); err != nil {
		return nil, err
	}
	if err := c.add("linux", c.reference(), map[string]string{"disk/linux.qcow2": disk}); err != nil {
		return nil, err
	}
	kernel, initrd, err := unpackBoot(folder, disk)
	if err != nil {
		return nil, err
	}
	return c, c.add("boot", c.boot(), map[string]string{"boot/vmlinuz": kernel, "boot/initrd": initrd})
}

// unpackBoot takes the kernel and the initrd from the first partition of disk, which is FAT.
func unpackBoot(folder, disk string) (kernel, initrd string, err error) {
	raw := filepath.Join(folder, "disk.raw")
	defer os.Remove(raw)
	if output, err := exec.Command("qemu-img", "convert", "-O", "raw", disk, raw).CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("unpack %s: %w\n%s", disk, err, output)
	}
	if output, err := exec.Command("mcopy", "-n", "-i", raw+"@@1M", "::/vmlinuz", "::/initrd", folder).CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("unpack what %s boots: %w\n%s", disk, err, output)
	}
	return filepath.Join(folder, "vmlinuz"), filepath.Join(folder, "initrd"), nil
}

// add makes an image of the files, by their path in it.
func (c *containerImages) add(name, reference string, files map[string]string) error {
	packed := filepath.Join(c.folder, name+".layer")
	if err := packFiles(packed, files); err != nil {
		return err
	}
	layer, err := tarball.LayerFromFile(packed)
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	if err := c.write(name, image); err != nil {
		return err
	}
	return push(reference, image)
}

// packFiles makes a layer with the files, by their path in it.
func packFiles(layer string, files map[string]string) error {
	out, err := os.Create(layer)
	if err != nil {
		return err
	}
	defer out.Close()
	w := tar.NewWriter(out)
	for name, file := range files {
		if err := packFile(w, name, file); err != nil {
			return err
		}
	}
	return w.Close()
}

func packFile(w *tar.Writer, name, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o440, Uid: 107, Gid: 107, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}

// write puts the image on disk, as a layout and as an archive of that.
func (c *containerImages) write(name string, image v1.Image) error {
	dir := filepath.Join(c.folder, name)
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

// serve runs a registry.
func (c *containerImages) serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.registry = listener.Addr().String()
	go func() { _ = http.Serve(listener, registry.New(registry.Logger(log.New(io.Discard, "", 0)))) }()
	return nil
}

// push puts the image into the registry.
func push(reference string, image v1.Image) error {
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return err
	}
	return remote.Write(parsed, image)
}
