// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/xi2/xz"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/probe"
)

// maxWindow bounds the memory for decompression. The highest levels of xz need
// 64 MiB; zstd takes 128 MiB with --long.
const maxWindow = 128 << 20

// decompress returns the content of r, which is compressed with the named
// compression. The closer frees what the decompressor holds.
func decompress(r io.Reader, compression string) (io.Reader, io.Closer, error) {
	switch compression {
	case probe.None:
		return r, io.NopCloser(nil), nil
	case probe.Gzip:
		z, err := newMembers(r)
		return z, io.NopCloser(nil), err
	case probe.Xz:
		z, err := xz.NewReader(r, maxWindow)
		return z, io.NopCloser(nil), err
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, nil, err
	}
	return z, z.IOReadCloser(), nil
}

// inflated reads what a decompressor yields and explains its errors.
type inflated struct {
	r           io.Reader
	compression string
}

func (i inflated) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	// Only io.EOF itself is the end: an error that wraps it is not.
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, explainInflate(err, i.compression)
}

// explainInflate does not wrap err, which may wrap io.EOF and would then pass
// for the end of the image.
func explainInflate(err error, compression string) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, xz.ErrBuf):
		return failure.Transient(failure.Truncated,
			"the %s data ends too early: check that the file at the source is complete (%v)", compression, err)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, xz.ErrMemlimit):
		return failure.Permanent(failure.UnsupportedFormat,
			"decompressing the %s data takes more than %d MiB of memory: compress the image with a smaller window (%v)", compression, maxWindow>>20, err)
	}
	return failure.Permanent(failure.CorruptImage, "the %s data is corrupt: %v", compression, err)
}

// peek returns the first bytes of r and a reader of all of it.
func peek(r io.Reader) ([]byte, *bufio.Reader, error) {
	b := bufio.NewReaderSize(r, readSize)
	head, err := b.Peek(probe.HeadSize)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head, b, err
}
