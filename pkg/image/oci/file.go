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

// maxNames is how many files or directories of /disk a layer may hide.
const maxNames = 1000

// File is the content of the file that was looked for. Read returns io.EOF only where the image was checked
// to the end: each layer that was read is what its digest says, and there is no second file.
type File struct {
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
	// folder is true where what has the path that is wanted is a directory.
	folder bool
	// err is what the last Read returned.
	err error
}

// Open finds the file of an image and returns it when its content begins to arrive. Its errors, and those
// of the File, are *failure.Error.
func Open(ctx context.Context, src source.Container, opts Options) (*File, error) {
	ctx, stop := withIdle(ctx, opts)
	img, err := open(ctx, src, opts)
	if err != nil {
		defer stop(nil)
		return nil, explain(ctx, err)
	}
	f := &File{
		ctx: ctx, stop: stop, image: img, want: search(src.Path), budget: opts.MaxBytes,
		next: len(img.manifest.Layers) - 1, hidden: newShadow(),
	}
	if err := f.find(); err != nil {
		return nil, errors.Join(explain(ctx, err), f.Close())
	}
	return f, nil
}

// Digest of the image's manifest, "sha256:…".
func (f *File) Digest() string { return f.image.digest.String() }

// Size of the file in bytes.
func (f *File) Size() int64 { return f.size }

// Read reads the file.
func (f *File) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.current.Read(p)
	if err == io.EOF {
		err = f.finish()
	}
	if err != nil && err != io.EOF {
		err = explain(f.ctx, unpacking(err))
	}
	f.err = err
	return n, err
}

// Close ends the transfer.
func (f *File) Close() error {
	defer f.stop(nil)
	if f.current == nil {
		return nil
	}
	return f.current.close()
}

// find goes down the layers to the first file that is looked for.
func (f *File) find() error {
	err := f.scan()
	switch {
	case err != nil:
		return unpacking(err)
	case f.found != "":
		return nil
	case f.folder:
		return failure.Permanent(failure.NotFound, "%s is a directory in the image: give the path of a file", string(f.want))
	case f.want != "":
		return failure.Permanent(failure.NotFound, "the image has no file %s, other than by links, which are not followed: correct the path", string(f.want))
	}
	return failure.Permanent(failure.NotFound, "no file found in folder %s of the image: is it a containerDisk?", diskDir)
}

// finish checks what follows the file that was found, and returns io.EOF where all is well. With a path
// given, lower layers can't matter any more.
func (f *File) finish() error {
	if f.want != "" {
		f.next = -1
	}
	if err := f.scan(); err != nil {
		return err
	}
	return io.EOF
}

// scan reads entries until a file is found, or a second one, or all layers are read.
func (f *File) scan() error {
	for {
		if f.current == nil {
			if f.next < 0 {
				return nil
			}
			if err := f.enter(); err != nil {
				return err
			}
		}
		before := f.found
		err := f.scanLayer()
		if err != nil || f.found != before {
			return err
		}
		if err := f.leave(); err != nil {
			return err
		}
	}
}

func (f *File) enter() error {
	if err := context.Cause(f.ctx); err != nil {
		return err
	}
	opened, err := f.image.openLayer(f.ctx, f.image.manifest.Layers[f.next], &f.budget)
	if err != nil {
		return err
	}
	f.current, f.own = opened, newShadow()
	f.next--
	return nil
}

// leave checks the rest of a layer of which all entries were read.
func (f *File) leave() error {
	if err := f.current.drain(); err != nil {
		return err
	}
	err := f.current.close()
	f.current = nil
	f.hidden.add(f.own)
	return err
}

// scanLayer reads entries until a file is found or the layer ends.
func (f *File) scanLayer() error {
	for {
		header, err := f.current.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		found, err := f.look(header)
		if err != nil || found {
			return err
		}
	}
}

// look says whether an entry is the file.
func (f *File) look(header *tar.Header) (bool, error) {
	if slices.Contains(strings.Split(header.Name, "/"), "..") {
		return false, failure.Permanent(failure.CorruptImage, "the image has an entry whose name leads out of it: %.200q", header.Name)
	}
	name := path.Clean("/" + header.Name)
	if hidden, opaque, ok := whiteout(name); ok {
		return false, f.noteWhiteout(hidden, opaque)
	}
	if f.hidden.hides(name) {
		return false, nil
	}
	if f.want.isAbove(name) {
		return false, f.meetFolder(string(f.want))
	}
	if !f.want.concerns(name) {
		return false, nil
	}
	if !f.want.matches(name) {
		// A directory that is something else in this layer is not there for those below.
		if header.Typeflag != tar.TypeDir {
			f.own.names[name] = true
		}
		return false, nil
	}
	return f.meet(header, name)
}

func (f *File) noteWhiteout(hidden string, opaque bool) error {
	switch {
	case !f.want.concerns(hidden):
		return nil
	case opaque:
		return hide(f.own.opaque, hidden)
	}
	return hide(f.own.names, hidden)
}

// hide adds to what a layer hides.
func hide(hidden map[string]bool, name string) error {
	if len(hidden) == maxNames {
		return failure.Permanent(failure.CorruptImage, "a layer of the image hides more than %d files in folder %s", maxNames, diskDir)
	}
	hidden[name] = true
	return nil
}

// meetFolder notes a directory that has the name of what is looked for. What lower layers have of that name is hidden.
func (f *File) meetFolder(name string) error {
	f.folder = f.want != ""
	return hide(f.own.names, name)
}

// meet judges an entry that has the name of what is looked for.
func (f *File) meet(header *tar.Header, name string) (bool, error) {
	if header.Typeflag == tar.TypeDir {
		return false, f.meetFolder(name)
	}
	if header.Typeflag != tar.TypeReg {
		return false, failure.Permanent(failure.CorruptImage, "%s is no plain file in the image, but a link or a device, which is refused: name a file", name)
	}
	if f.found != "" {
		return false, failure.Permanent(failure.CorruptImage,
			"more than one file found in folder %s of the image (%s, %s): a DataVolume takes an image with one file there; a containerDisk names one by its path", diskDir, f.found, name)
	}
	f.own.names[name] = true
	f.found, f.size = name, header.Size
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
