// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// maxNames is how many files of /disk a layer may hide.
const maxNames = 1000

// Disk is the content of the file that was looked for. Read returns io.EOF only where the image was checked
// to the end: each layer that was read is what its digest says, and there is no second file.
type Disk struct {
	ctx   context.Context
	stop  context.CancelCauseFunc
	image *image
	want  search
	// budget is how many bytes may still be unpacked.
	budget int64

	// next is the index of the layer below the current one.
	next    int
	current *layer
	hidden  shadow
	// own is what the current layer hides of the layers below it.
	own shadow
	// found is the name of the file; empty while it is looked for.
	found string
	size  int64
	// err is what the last Read returned.
	err error
}

// Open finds the disk of an image and returns it when its content begins to arrive. Its errors, and those
// of the Disk, are *failure.Error.
func Open(ctx context.Context, src source.Container, opts Options) (*Disk, error) {
	ctx, stop := withIdle(ctx, opts.IdleTimeout)
	img, err := open(ctx, src, opts)
	if err != nil {
		defer stop(nil)
		return nil, explain(ctx, err)
	}
	d := &Disk{
		ctx: ctx, stop: stop, image: img, want: search(src.Path), budget: opts.MaxBytes,
		next: len(img.manifest.Layers) - 1, hidden: newShadow(),
	}
	if err := d.find(); err != nil {
		return nil, errors.Join(explain(ctx, err), d.Close())
	}
	return d, nil
}

// Digest of the image's manifest, "sha256:…".
func (d *Disk) Digest() string { return d.image.digest.String() }

// Size of the file in bytes.
func (d *Disk) Size() int64 { return d.size }

// Read reads the file.
func (d *Disk) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.current.Read(p)
	if err == io.EOF {
		err = d.finish()
	}
	if err != nil && err != io.EOF {
		err = explain(d.ctx, unpacking(err))
	}
	d.err = err
	return n, err
}

// Close ends the transfer.
func (d *Disk) Close() error {
	defer d.stop(nil)
	if d.current == nil {
		return nil
	}
	return d.current.close()
}

// find goes down the layers to the first file that is looked for.
func (d *Disk) find() error {
	err := d.scan()
	switch {
	case err != nil:
		return unpacking(err)
	case d.found != "":
		return nil
	case d.want != "":
		return failure.Permanent(failure.NotFound, "the image has no file %s: correct the path of the containerDisk", string(d.want))
	}
	return failure.Permanent(failure.NotFound, "no file found in folder %s of the image: is it a containerDisk?", diskDir)
}

// finish checks what follows the file that was found, and returns io.EOF where all is well. With a path
// given, lower layers can't matter any more.
func (d *Disk) finish() error {
	if d.want != "" {
		d.next = -1
	}
	if err := d.scan(); err != nil {
		return err
	}
	return io.EOF
}

// scan reads entries until a file is found, or a second one, or all layers are read.
func (d *Disk) scan() error {
	for {
		if d.current == nil {
			if d.next < 0 {
				return nil
			}
			if err := d.enter(); err != nil {
				return err
			}
		}
		before := d.found
		err := d.scanLayer()
		if err != nil || d.found != before {
			return err
		}
		if err := d.leave(); err != nil {
			return err
		}
	}
}

func (d *Disk) enter() error {
	if err := context.Cause(d.ctx); err != nil {
		return err
	}
	opened, err := d.image.openLayer(d.ctx, d.image.manifest.Layers[d.next], &d.budget)
	if err != nil {
		return err
	}
	d.current, d.own = opened, newShadow()
	d.next--
	return nil
}

// leave checks the rest of a layer of which all entries were read.
func (d *Disk) leave() error {
	if err := d.current.drain(); err != nil {
		return err
	}
	err := d.current.close()
	d.current = nil
	d.hidden.add(d.own)
	return err
}

// scanLayer reads entries until a file is found or the layer ends.
func (d *Disk) scanLayer() error {
	for {
		header, err := d.current.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		found, err := d.look(header)
		if err != nil || found {
			return err
		}
	}
}

// look says whether an entry is the file.
func (d *Disk) look(header *tar.Header) (bool, error) {
	if slices.Contains(strings.Split(header.Name, "/"), "..") {
		return false, failure.Permanent(failure.CorruptImage, "the image has an entry whose name leads out of it: %.200q", header.Name)
	}
	name := path.Clean("/" + header.Name)
	if hidden, opaque, ok := whiteout(name); ok {
		return false, d.noteWhiteout(hidden, opaque)
	}
	if !d.want.concerns(name) || d.hidden.hides(name) {
		return false, nil
	}
	if !d.want.matches(name) {
		// A directory that is something else in this layer is not there for those below.
		if header.Typeflag != tar.TypeDir {
			d.own.names[name] = true
		}
		return false, nil
	}
	return d.meet(header, name)
}

func (d *Disk) noteWhiteout(hidden string, opaque bool) error {
	switch {
	case !d.want.concerns(hidden):
	case opaque:
		d.own.opaque[hidden] = true
	case len(d.own.names) == maxNames:
		return failure.Permanent(failure.CorruptImage, "a layer of the image hides more than %d files in folder %s", maxNames, diskDir)
	default:
		d.own.names[hidden] = true
	}
	return nil
}

// meet judges an entry that has the name of what is looked for.
func (d *Disk) meet(header *tar.Header, name string) (bool, error) {
	if header.Typeflag == tar.TypeDir {
		return false, nil
	}
	if header.Typeflag != tar.TypeReg {
		return false, failure.Permanent(failure.CorruptImage, "%s is no plain file in the image, but a link or a device, which is refused", name)
	}
	if d.found != "" {
		return false, failure.Permanent(failure.CorruptImage,
			"more than one file found in folder %s of the image (%s, %s): name one by the path of the containerDisk", diskDir, d.found, name)
	}
	d.own.names[name] = true
	d.found, d.size = name, header.Size
	return true, nil
}

// unpacking explains an error of the archive or of its compression.
func unpacking(err error) error {
	if _, typed := errors.AsType[*failure.Error](err); typed || err == nil {
		return err
	}
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "gzip: ") || strings.Contains(err.Error(), "flate: ") {
		return corruptLayer(err)
	}
	return err
}
