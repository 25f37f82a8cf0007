// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/beneath"
	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

const (
	// maxDisk is the largest disk that an image may hold, as the guest sees it.
	maxDisk = 1 << 40
	// maxPlain is the largest file that is taken as it is: QEMU has it in memory.
	maxPlain = 512 << 20
)

// pull returns the entries of files of one image, which are there then. The image is asked for by what it is
// now, unless the policy allows an earlier answer to the same question by somebody with the same right.
func (c *Cache) pull(ctx context.Context, files workload.ContainerFiles) ([]string, error) {
	sources, g := files.Sources(), grantOf(files.Source)
	_, onDisk := source.ParseLocal(files.Source.Image)
	if !onDisk && files.Policy != corev1.PullAlways {
		if digest, ok := c.byGrant(g, sources); ok {
			if entries, ok := c.useAll(digest, g, sources); ok {
				return entries, nil
			}
		}
		if files.Policy == corev1.PullNever {
			return nil, errors.New("it is not on this node, and imagePullPolicy is Never")
		}
	}
	namespace := files.Instance.Namespace
	resolve := work{line: c.resolves, namespace: namespace, what: "resolve " + files.Source.Image + " " + g.Credentials, limit: maxResolve}
	digest, err := c.turn(ctx, resolve, func(ctx context.Context) (string, error) {
		return c.resolve(ctx, files.Source)
	})
	if err != nil {
		return nil, err
	}
	entries := make([]string, 0, len(sources))
	for _, src := range sources {
		if !onDisk {
			// What is read is what was resolved, whatever the tag is by now.
			src.Image = withDigest(src.Image, digest)
		}
		entry, err := c.pullFile(ctx, namespace, src, digest, g)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// pullFile returns the entry of a file of the image of that digest.
func (c *Cache) pullFile(ctx context.Context, namespace string, src source.Container, digest string, g grant) (string, error) {
	entry := entryName(digest, src)
	if c.use(entry, g) {
		return entry, nil
	}
	fetch := work{line: c.pulls, namespace: namespace, what: "fetch " + entry, limit: maxFetch}
	_, err := c.turn(ctx, fetch, func(ctx context.Context) (string, error) {
		if c.has(entry) {
			return entry, nil
		}
		return entry, c.fetch(ctx, src, digest)
	})
	if err != nil {
		return "", err
	}
	if !c.use(entry, g) {
		return "", errors.New("it was removed again")
	}
	return entry, nil
}

// withDigest replaces an image's tag or digest.
func withDigest(image, digest string) string {
	image, _, _ = strings.Cut(image, "@")
	slash := strings.LastIndex(image, "/")
	if colon := strings.LastIndex(image, ":"); colon > slash {
		image = image[:colon]
	}
	return image + "@" + digest
}

func (c *Cache) resolve(ctx context.Context, src source.Container) (string, error) {
	fd, err := unix.MemfdCreate("resolve", unix.MFD_CLOEXEC)
	if err != nil {
		return "", err
	}
	nothing := os.NewFile(uintptr(fd), "resolve")
	defer nothing.Close()
	src.Path, src.Plain = "", false
	result, err := c.read(ctx, importer.Spec{Container: &src, Resolve: true, SizeBytes: maxDisk}, nothing)
	return result.Digest, err
}

// fetch makes the entry of the file of src, of the image of that digest.
func (c *Cache) fetch(ctx context.Context, src source.Container, digest string) error {
	partial := partialPrefix + rand.Text()
	if err := c.root.Mkdir(partial, dirMode); err != nil {
		return failure.FromWrite(err)
	}
	err := c.fill(ctx, partial, src, digest)
	if err == nil {
		err = c.commit(partial, src, digest)
	}
	if err != nil {
		return errors.Join(err, c.root.RemoveAll(partial))
	}
	c.sweep(ctx)
	return nil
}

func (c *Cache) fill(ctx context.Context, dir string, src source.Container, digest string) error {
	target, err := c.root.OpenFile(filepath.Join(dir, diskName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return failure.FromWrite(err)
	}
	defer target.Close()
	spec := importer.Spec{Container: &src, Fit: true, SizeBytes: maxDisk}
	if src.Plain {
		spec.SizeBytes = maxPlain
	}
	result, err := c.read(ctx, spec, target)
	if err != nil {
		return err
	}
	if result.Digest != digest {
		return failure.Transient(failure.ChecksumError, "the image has changed from %s to %s while it was read", digest, result.Digest)
	}
	if result.VirtualSizeBytes <= 0 {
		return failure.Permanent(failure.NotAnImage, "the file in the image is empty")
	}
	klog.FromContext(ctx).Info("Pulled a file of a container image", "image", src.Image, "digest", digest, "path", src.Path, "transferredBytes", result.TransferredBytes, "writtenBytes", result.WrittenBytes)
	return target.Chmod(diskMode)
}

// read has an importer do what spec says, and ends it where it writes too much.
func (c *Cache) read(ctx context.Context, spec importer.Spec, target *os.File) (image.Result, error) {
	file, err := c.openLocal(spec.Container.Image)
	if err != nil {
		return image.Result{}, err
	}
	if file != nil {
		defer file.Close()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return c.config.Importer.Fill(ctx, spec, target, file, func(p image.Progress) {
		if err := c.checkSpace(p.WrittenBytes); err != nil {
			cancel(err)
		}
	})
}

func (c *Cache) openLocal(name string) (*os.File, error) {
	local, onDisk := source.ParseLocal(name)
	if !onDisk {
		return nil, nil
	}
	file, err := beneath.Open(c.config.Folders, local.Path, unix.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("%w; the administrator of the node allows folders with --container-disk-folder", err)
	}
	return file, nil
}

func (c *Cache) checkSpace(written int64) error {
	if written > c.config.MaxBytes {
		return failure.Permanent(failure.ImageTooLarge,
			"it takes more than the %d bytes that the node has for container disks: --container-disk-cache sets that", c.config.MaxBytes)
	}
	dir, err := c.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := diskspace.Check(dir, 0); err != nil {
		return failure.Transient(failure.NoSpace, "the node has no room for the image: %w", err)
	}
	return nil
}

// commit makes the directory an entry, durably: the importer has synced the file.
func (c *Cache) commit(partial string, src source.Container, digest string) error {
	known := &meta{Digest: digest, Path: src.Path, Plain: src.Plain}
	if err := c.writeMeta(partial, known); err != nil {
		return failure.FromWrite(err)
	}
	entry := entryName(digest, src)
	c.mu.Lock()
	defer c.mu.Unlock()
	// One that is there without being known has no readable meta.
	if err := c.root.RemoveAll(entry); err != nil {
		return failure.FromWrite(err)
	}
	if err := c.root.Rename(partial, entry); err != nil {
		return failure.FromWrite(err)
	}
	c.entries[entry] = known
	return nil
}
