// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/probe"
)

// copyChunk is how much is copied between two looks at whether to go on.
const copyChunk = 16 << 20

// extent is a part of a file that is no hole.
type extent struct {
	start, end int64
}

// Copy fills the volume with the disk in source, a raw one of a guest: what is in it is never looked at. Holes
// stay holes, and where the file system can share blocks no byte is copied. Nobody may write to source
// meanwhile. When it fails, the target is empty.
func Copy(ctx context.Context, source *os.File, opts Options) (Result, error) {
	v, err := newVolume(opts)
	if err != nil {
		return Result{}, failure.From(err)
	}
	result, err := v.copyFrom(ctx, source, opts)
	if err != nil {
		return Result{}, v.abandon(err)
	}
	return result, nil
}

func (v *volume) copyFrom(ctx context.Context, source *os.File, opts Options) (Result, error) {
	info, err := source.Stat()
	if err != nil {
		return Result{}, readError(err)
	}
	size := info.Size()
	if size > v.size {
		return Result{}, failure.Permanent(failure.ImageTooLarge,
			"the disk of %[1]d bytes is larger than the requested %[2]d: raise the request to at least %[1]d", size, v.size)
	}
	total := int64(0)
	if err := walkExtents(source, size, func(e extent) error { total += e.end - e.start; return nil }); err != nil {
		return Result{}, err
	}
	var copied atomic.Int64
	stop := report(opts.Progress, func() Progress {
		return Progress{TransferredBytes: copied.Load(), TotalBytes: total, WrittenBytes: copied.Load()}
	})
	defer stop()
	// Shared blocks are no reserved ones.
	if opts.Preallocate || unix.IoctlFileClone(int(v.file.Fd()), int(source.Fd())) != nil {
		copyOne := func(e extent) error { return v.copyExtent(ctx, source, e, &copied) }
		if err := walkExtents(source, size, copyOne); err != nil {
			return Result{}, err
		}
	} else {
		copied.Store(total)
	}
	if err := v.finish(size); err != nil {
		return Result{}, err
	}
	return Result{Format: probe.Raw, VirtualSizeBytes: size, TransferredBytes: total, WrittenBytes: total}, nil
}

func (v *volume) copyExtent(ctx context.Context, source *os.File, e extent, copied *atomic.Int64) error {
	if _, err := source.Seek(e.start, io.SeekStart); err != nil {
		return readError(err)
	}
	if _, err := v.file.Seek(e.start, io.SeekStart); err != nil {
		return failure.FromWrite(err)
	}
	for at := e.start; at < e.end; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		chunk := min(copyChunk, e.end-at)
		if err := diskspace.Check(v.file, chunk); err != nil {
			return failure.FromWrite(err)
		}
		// Between files this is copy_file_range.
		n, err := io.CopyN(v.file, source, chunk)
		at += n
		copied.Add(n)
		if errors.Is(err, io.EOF) {
			return readError(fmt.Errorf("it ended at byte %d", at))
		}
		if err != nil {
			return failure.FromWrite(err)
		}
	}
	return nil
}

// walkExtents calls visit with each part of a file of that size that is no hole, in order.
func walkExtents(file *os.File, size int64, visit func(extent) error) error {
	for at := int64(0); at < size; {
		start, err := file.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil
		}
		if err != nil {
			return readError(err)
		}
		end, err := file.Seek(start, unix.SEEK_HOLE)
		if err != nil {
			return readError(err)
		}
		if start, end = min(start, size), min(end, size); start < end {
			if err := visit(extent{start, end}); err != nil {
				return err
			}
		}
		at = end
	}
	return nil
}

func readError(err error) error {
	return failure.Transient(failure.ReadFailed, "read the disk that is copied: %w", err)
}
