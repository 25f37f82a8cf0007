// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/probe"
)

const (
	bufferSize = 256 << 10
	// maxWindow is the memory that unpacking may take.
	maxWindow = 128 << 20
)

// layer is one layer while it is read.
type layer struct {
	*tar.Reader
	// stored is the layer as it is stored, checked at its end.
	stored  io.Reader
	closers []io.Closer
}

// openLayer opens a layer, of which at most *budget bytes are unpacked; they are taken off it.
func (i *image) openLayer(ctx context.Context, d v1.Descriptor, budget *int64) (*layer, error) {
	body, err := i.layer(ctx, d)
	if err != nil {
		return nil, err
	}
	l := &layer{closers: []io.Closer{body}}
	checked, err := newVerifier(kicked{body, ctx}, d)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	buffered := bufio.NewReaderSize(checked, bufferSize)
	l.stored = buffered
	unpacked, err := l.unpack(buffered)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	l.Reader = tar.NewReader(&metered{unpacked, budget})
	return l, nil
}

// unpack goes by what the content is, as container engines do: the media type is often wrong.
func (l *layer) unpack(r *bufio.Reader) (io.Reader, error) {
	head, err := r.Peek(probe.HeadSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch compression := probe.Compression(head); compression {
	case probe.None:
		return r, nil
	case probe.Gzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, corruptLayer(err)
		}
		return z, nil
	case probe.Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderConcurrency(1)) // in this goroutine: what follows is read from the same place
		if err != nil {
			return nil, corruptLayer(err)
		}
		l.closers = append(l.closers, z.IOReadCloser())
		return z, nil
	default:
		return nil, failure.Permanent(failure.UnsupportedFormat, "a layer of the image is compressed with %s; use gzip or zstd", compression)
	}
}

// drain reads what is left of the layer, so that all of it was checked. What comes after the archive does
// not count against the budget of unpacked bytes: it is skipped as it is stored.
func (l *layer) drain() error {
	_, err := io.Copy(io.Discard, l.stored)
	return err
}

func (l *layer) close() error {
	var errs []error
	for i := len(l.closers) - 1; i >= 0; i-- {
		errs = append(errs, l.closers[i].Close())
	}
	return errors.Join(errs...)
}

// corruptLayer keeps the reason where the transfer is what failed.
func corruptLayer(err error) error {
	if typed, ok := errors.AsType[*failure.Error](err); ok {
		return typed
	}
	return failure.Transient(failure.CorruptImage, "a layer of the image can't be unpacked: %v", err)
}

// metered ends what would never end.
type metered struct {
	r      io.Reader
	budget *int64
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if *m.budget -= int64(n); *m.budget < 0 {
		return 0, failure.Permanent(failure.ImageTooLarge, "the layers of the image are too large, unpacked")
	}
	return n, err
}
