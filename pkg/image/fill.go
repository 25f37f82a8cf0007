// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/probe"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/qcow2"
)

// tableSlack is what a qcow2 image may have set aside beside the disk's content.
const tableSlack = 64 << 20

// readSize is how much is read and written at a time.
const readSize = 1 << 20

// fill is what Import and Fill share; open yields the image.
func fill(ctx context.Context, opts Options, open func(context.Context) (Stream, io.Closer, error)) (Result, error) {
	v, err := newVolume(opts)
	if err != nil {
		return Result{}, failure.From(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, closer, err := open(ctx)
	if err != nil {
		return Result{}, v.abandon(err)
	}
	defer closer.Close()
	result, err := v.fill(ctx, stream, opts.Progress)
	if err != nil {
		return Result{}, v.abandon(err)
	}
	return result, nil
}

// fill reads all of stream into the volume.
func (v *volume) fill(ctx context.Context, stream Stream, progress func(Progress)) (Result, error) {
	t, err := newTransfer(ctx, stream, maxFile(v.size))
	if err != nil {
		return Result{}, err
	}
	stop := report(progress, func() Progress {
		return Progress{TransferredBytes: t.count.Load(), TotalBytes: max(0, stream.Length), WrittenBytes: v.writer.Written()}
	})
	defer stop()
	decode := v.decode
	if v.plain {
		decode = v.copyPlain
	}
	result, err := decode(ctx, t)
	if err != nil {
		return Result{}, t.cause(err)
	}
	if result.Checksum, err = t.verify(); err != nil {
		return Result{}, err
	}
	if err := v.finish(result.VirtualSizeBytes); err != nil {
		return Result{}, err
	}
	result.TransferredBytes, result.WrittenBytes = t.count.Load(), v.writer.Written()
	return result, nil
}

// decode finds out what t yields and writes the disk in it to the volume.
func (v *volume) decode(ctx context.Context, t *transfer) (Result, error) {
	head, plain, err := peek(t)
	if err != nil {
		return Result{}, err
	}
	result := Result{Compression: probe.Compression(head)}
	content, closer, err := decompress(plain, result.Compression)
	if err != nil {
		return Result{}, explainInflate(err, result.Compression)
	}
	defer closer.Close()
	length := t.stream.Length
	if result.Compression != probe.None {
		length = -1
		if head, plain, err = peek(inflated{content, result.Compression}); err != nil {
			return Result{}, err
		}
	}
	if result.Format, err = probe.Format(head); err != nil {
		return Result{}, err
	}
	if result.Format == probe.Qcow2 {
		result.VirtualSizeBytes, err = v.copyQcow2(ctx, plain, length)
	} else {
		result.VirtualSizeBytes, err = v.copyRaw(plain, length)
	}
	if gzip, ok := content.(*members); ok {
		result.IgnoredBytes = gzip.ignored
	}
	return result, err
}

// copyRaw writes r, a raw disk of length bytes if that is not negative.
func (v *volume) copyRaw(r *bufio.Reader, length int64) (int64, error) {
	if length > v.size {
		return 0, failure.Permanent(failure.ImageTooLarge,
			"the raw image of %[1]d bytes is larger than the requested %[2]d: raise the request to at least %[1]d", length, v.size)
	}
	for off := int64(0); ; {
		chunk, err := r.Peek(readSize)
		if int64(len(chunk)) > v.size-off {
			return 0, failure.Permanent(failure.ImageTooLarge,
				"the raw image is larger than the requested %d bytes: raise the request", v.size)
		}
		n, werr := v.writer.WriteAt(chunk, off)
		if werr != nil {
			return 0, werr
		}
		off += int64(n)
		if errors.Is(err, io.EOF) {
			return off, nil
		}
		if err != nil {
			return 0, err
		}
		if _, err := r.Discard(n); err != nil {
			return 0, err
		}
	}
}

// copyQcow2 writes the disk in r, a qcow2 image of length bytes if that is not negative.
func (v *volume) copyQcow2(ctx context.Context, r *bufio.Reader, length int64) (int64, error) {
	limit := maxFile(v.size)
	if length > limit {
		return 0, tooLong(limit)
	}
	result, err := qcow2.Decode(ctx, r, qcow2.Options{
		Guest:       v.writer,
		MaxSize:     v.size,
		MaxFileSize: limit,
		Spool:       v.file,
		SpoolStart:  v.size,
		MaxSpool:    v.size + tableSlack,
	})
	if err != nil {
		return 0, err
	}
	// The rest matters for the checksums of the file and of the compression.
	if n, err := io.CopyN(io.Discard, r, limit); n == limit {
		return 0, tooLong(limit)
	} else if !errors.Is(err, io.EOF) {
		return 0, err
	}
	return result.Header.VirtualSize, nil
}

// maxFile returns how long a file with the image for a volume of size bytes
// may be: long enough for tables and a few snapshots, not for a bomb.
func maxFile(size int64) int64 { return 4*min(size, 1<<60) + 1<<30 }

func tooLong(limit int64) error {
	return failure.Permanent(failure.ImageTooLarge,
		"the image file is longer than %d bytes, the most for a volume of this size: drop its snapshots with \"qemu-img convert -O qcow2 IN OUT.qcow2\" and import that, or raise the request", limit)
}
