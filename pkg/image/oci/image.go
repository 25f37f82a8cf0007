// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"bytes"
	"context"
	"io"
	"os"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/pace"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const (
	// maxManifest is the size in bytes of the largest manifest or index.
	maxManifest = 4 << 20
	// maxLayers is what container engines take.
	maxLayers = 128
)

// Options bound how an image is read.
type Options struct {
	// File is the layout directory or the archive of an image on disk; nil for one in a registry.
	File *os.File
	// MaxBytes is how many bytes the layers of the image may have, unpacked.
	MaxBytes int64
	// IdleTimeout ends a transfer in which nothing arrives for so long.
	IdleTimeout time.Duration
	// Egress says which servers may be reached, also by redirect.
	Egress egress.Policy
	// Rate is what the registry has to deliver; the default is pace.Least.
	Rate pace.Rate
}

// image is a container image for this machine's platform.
type image struct {
	digest   v1.Hash
	manifest *v1.Manifest
	// layer opens the layer as it is stored.
	layer func(ctx context.Context, descriptor v1.Descriptor) (io.ReadCloser, error)
	// config returns the image's configuration, checked against its digest.
	config func() ([]byte, error)
}

// Resolve returns the digest of the manifest that src stands for now, "sha256:…".
func Resolve(ctx context.Context, src source.Container, opts Options) (string, error) {
	ctx, stop := withIdle(ctx, opts)
	defer stop(nil)
	img, err := open(ctx, src, opts)
	if err != nil {
		return "", explain(ctx, err)
	}
	return img.digest.String(), nil
}

func open(ctx context.Context, src source.Container, opts Options) (*image, error) {
	if err := src.Validate(); err != nil {
		return nil, failure.Permanent(failure.InvalidRequest, "%w", err)
	}
	local, onDisk := source.ParseLocal(src.Image)
	if !onDisk {
		return openRemote(ctx, src, opts)
	}
	if opts.File == nil {
		return nil, failure.Permanent(failure.InvalidRequest, "%s: it was not opened", src.Image)
	}
	blobs, err := blobsOf(opts.File, local.Archive)
	if err != nil {
		return nil, err
	}
	return openLocal(blobs, local)
}

func parseManifest(raw []byte) (*v1.Manifest, error) {
	manifest, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		// The error would quote what a server has sent.
		return nil, failure.Permanent(failure.CorruptImage, "the manifest of the image can't be read: is it a container image?")
	}
	if len(manifest.Layers) == 0 || len(manifest.Layers) > maxLayers {
		return nil, failure.Permanent(failure.UnsupportedFormat,
			"the image has %d layers, want 1 to %d: is it a container image?", len(manifest.Layers), maxLayers)
	}
	return manifest, nil
}

// platform is what an image has to be for where it has several variants.
func platform() v1.Platform { return v1.Platform{OS: "linux", Architecture: runtime.GOARCH} }

// withIdle returns a context that is cancelled where nothing is read for idle; see kicked.
func withIdle(ctx context.Context, opts Options) (context.Context, context.CancelCauseFunc) {
	idle := opts.IdleTimeout
	ctx, cancel := context.WithCancelCause(ctx)
	if idle <= 0 {
		return ctx, cancel
	}
	timer := time.AfterFunc(idle, func() {
		cancel(failure.Transient(failure.Stalled, "nothing arrived for %s: check the registry and the network", idle))
	})
	return context.WithValue(ctx, idleKey{}, &idleTimer{timer, idle, pace.NewMeter(opts.Rate)}), func(cause error) {
		timer.Stop()
		cancel(cause)
	}
}

type idleKey struct{}

type idleTimer struct {
	timer *time.Timer
	idle  time.Duration
	// pace is of all layers together: a slow one must not begin anew with each.
	pace *pace.Meter
}

// kicked puts the idle timeout of ctx off each time that something was read, and ends what is too slow.
type kicked struct {
	io.ReadCloser
	ctx context.Context
}

func (k kicked) Read(p []byte) (int, error) {
	begin := time.Now()
	n, err := k.ReadCloser.Read(p)
	t, ok := k.ctx.Value(idleKey{}).(*idleTimer)
	if !ok {
		return n, err
	}
	if n > 0 {
		t.timer.Reset(t.idle)
	}
	if slow := t.pace.Add(time.Since(begin), n); slow != nil && err == nil {
		err = slow
	}
	return n, err
}
