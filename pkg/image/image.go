// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/httpsource"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/oci"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// Error is the type of all errors that Import, Fill and Blank return.
type Error = failure.Error

// Options say which volume is filled.
type Options struct {
	// Target is the volume: a regular file, open for reading and writing.
	// What it holds is lost. It stays open.
	Target *os.File
	// Size is the requested size of the volume in bytes. No image that needs
	// more is accepted; what one needs less reads as zeros.
	Size int64
	// Fit gives the volume the size of the disk in the image, in whole sectors;
	// Size is then the largest that is accepted.
	Fit bool
	// plain takes the source as it is, and gives the volume its exact size; Size
	// is then the largest that is accepted.
	plain bool
	// Preallocate reserves space for all of the volume.
	Preallocate bool
	// IdleTimeout ends an import for which nothing arrives for so long; 0
	// means httpsource.DefaultIdleTimeout.
	IdleTimeout time.Duration
	// Labels has the result tell what labels a container image asks for.
	Labels bool
	// Egress says which servers may be reached.
	Egress egress.Policy
	// Progress, if set, is called about twice a second and once at the end,
	// never concurrently.
	Progress func(Progress)
}

// Progress counts bytes since the beginning.
type Progress struct {
	// TransferredBytes came from the source.
	TransferredBytes int64 `json:"transferredBytes"`
	// TotalBytes is what the source will send, 0 if it does not tell.
	TotalBytes int64 `json:"totalBytes"`
	// WrittenBytes went to the volume, zeros left out.
	WrittenBytes int64 `json:"writtenBytes"`
}

// Result describes a volume that was filled.
type Result struct {
	// Format is raw or qcow2; empty for a blank volume.
	Format string `json:"format,omitempty"`
	// Compression is gzip, xz, zstd or empty.
	Compression string `json:"compression,omitempty"`
	// VirtualSizeBytes is the size of the disk in the image, or of a file that was taken as it is; the volume may be larger.
	VirtualSizeBytes int64 `json:"virtualSizeBytes"`
	TransferredBytes int64 `json:"transferredBytes"`
	WrittenBytes     int64 `json:"writtenBytes"`
	// IgnoredBytes followed the compressed data and were not used.
	IgnoredBytes int64 `json:"ignoredBytes,omitempty"`
	// Checksum is that of the transferred bytes as "algorithm:hex", if one was asked for.
	Checksum string `json:"checksum,omitempty"`
	// Digest is that of the manifest of a container image.
	Digest string `json:"digest,omitempty"`
	// Labels are those that a container image asks for.
	Labels map[string]string `json:"labels,omitempty"`
}

// Stream is an image that arrives.
type Stream struct {
	Reader io.Reader
	// Length is the number of bytes that Reader yields, -1 if it is not known.
	Length int64
	// Checksum is empty or what source.ParseChecksum takes.
	Checksum string
}

// Import fills the volume with the image at src. When it fails, the target is
// empty, and the error says whether another attempt can help.
func Import(ctx context.Context, src source.HTTP, opts Options) (Result, error) {
	return fill(ctx, opts, func(ctx context.Context) (Stream, io.Closer, error) {
		body, err := httpsource.Open(ctx, src, httpsource.Options{IdleTimeout: opts.IdleTimeout, Egress: opts.Egress})
		if err != nil {
			return Stream{}, nil, err
		}
		return Stream{Reader: body, Length: body.Size(), Checksum: src.Checksum}, body, nil
	})
}

// ImportContainer is Import for a file in a container image: a disk, or one
// that is taken as it is. file is the image if it is on disk, else nil.
func ImportContainer(ctx context.Context, src source.Container, file *os.File, opts Options) (Result, error) {
	var digest string
	var labels map[string]string
	opts.plain = src.Plain
	result, err := fill(ctx, opts, func(ctx context.Context) (Stream, io.Closer, error) {
		found, err := oci.Open(ctx, src, containerOptions(file, opts))
		if err != nil {
			return Stream{}, nil, err
		}
		if err := checkPlain(src, found.Size(), opts); err != nil {
			return Stream{}, nil, errors.Join(err, found.Close())
		}
		digest = found.Digest()
		if opts.Labels {
			if labels, err = found.Labels(); err != nil {
				return Stream{}, nil, errors.Join(err, found.Close())
			}
		}
		return Stream{Reader: found, Length: found.Size()}, found, nil
	})
	result.Digest = digest
	if err == nil {
		result.Labels = labels
	}
	return result, err
}

// ResolveContainer finds out the digest of a container image and leaves the
// volume alone.
func ResolveContainer(ctx context.Context, src source.Container, file *os.File, opts Options) (Result, error) {
	digest, err := oci.Resolve(ctx, src, containerOptions(file, opts))
	if err != nil {
		return Result{}, failure.From(err)
	}
	return Result{Digest: digest}, nil
}

func containerOptions(file *os.File, opts Options) oci.Options {
	idle := opts.IdleTimeout
	if idle <= 0 {
		idle = httpsource.DefaultIdleTimeout
	}
	limit := maxFile(opts.Size)
	if opts.plain {
		limit = maxSearched
	}
	return oci.Options{File: file, MaxBytes: limit, IdleTimeout: idle, Egress: opts.Egress}
}

// Fill is Import for an image that arrives otherwise. A Reader that blocks is
// not interrupted when ctx ends; whoever owns it has to see to that.
func Fill(ctx context.Context, src Stream, opts Options) (Result, error) {
	return fill(ctx, opts, func(context.Context) (Stream, io.Closer, error) {
		return src, io.NopCloser(nil), nil
	})
}

// Blank makes the volume read as zeros.
func Blank(opts Options) (Result, error) {
	v, err := newVolume(opts)
	if err != nil {
		return Result{}, failure.From(err)
	}
	if err := v.finish(opts.Size); err != nil {
		return Result{}, v.abandon(err)
	}
	return Result{VirtualSizeBytes: opts.Size}, nil
}
