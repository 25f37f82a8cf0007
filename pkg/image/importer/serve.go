// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// errParentGone ends an import whose result nobody waits for.
var errParentGone = failure.Transient(failure.Aborted, "the import was stopped: the process that asked for it closed the connection")

// Serve does what the spec on stdin says with the volume in target and tells
// about it on stdout. It stops when ctx or stdin ends. It returns nil if the
// volume is filled, else what it wrote to stdout as the error.
func Serve(ctx context.Context, stdin io.Reader, stdout io.Writer, target *os.File, log *slog.Logger) error {
	out := json.NewEncoder(stdout)
	result, err := serve(ctx, stdin, out, target, log)
	if err != nil {
		typed := failure.From(err)
		log.Error("import failed", "reason", typed.Reason, "permanent", typed.Permanent, "err", typed)
		return errors.Join(typed, out.Encode(Message{Error: typed}))
	}
	if result.IgnoredBytes > 0 {
		log.Warn("decompressed; what follows the compressed data was ignored", "bytes", result.IgnoredBytes)
	}
	log.Info("volume filled", "format", result.Format, "transferredBytes", result.TransferredBytes, "writtenBytes", result.WrittenBytes)
	return out.Encode(Message{Result: &result})
}

func serve(ctx context.Context, stdin io.Reader, out *json.Encoder, target *os.File, log *slog.Logger) (image.Result, error) {
	in := bufio.NewReader(stdin)
	spec, err := readSpec(in)
	if err != nil {
		return image.Result{}, failure.Permanent(failure.InvalidRequest, "%w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		// Whatever ends stdin, nobody is there any more.
		_, _ = io.Copy(io.Discard, in)
		cancel(errParentGone)
	}()
	opts := image.Options{
		Target:      target,
		Size:        spec.SizeBytes,
		Fit:         spec.Fit,
		Preallocate: spec.Preallocate,
		Labels:      spec.Labels,
		IdleTimeout: time.Duration(spec.IdleTimeoutSeconds) * time.Second,
		Egress:      egress.Policy{Allow: spec.AllowCIDRs},
		Progress: func(p image.Progress) {
			if err := out.Encode(Message{Progress: &p}); err != nil {
				log.Warn("progress cannot be told", "err", err)
			}
		},
	}
	switch {
	case spec.Blank:
		return image.Blank(opts)
	case spec.Copy:
		return image.Copy(ctx, os.NewFile(ImageFD, "disk"), opts)
	case spec.Resolve:
		return image.ResolveContainer(ctx, *spec.Container, imageFile(spec.Container), opts)
	case spec.Container != nil:
		return image.ImportContainer(ctx, *spec.Container, imageFile(spec.Container), opts)
	}
	return image.Import(ctx, *spec.HTTP, opts)
}

// imageFile is the container image that was handed over, or nil for one in a registry.
func imageFile(src *source.Container) *os.File {
	local, onDisk := source.ParseLocal(src.Image)
	if !onDisk {
		return nil
	}
	return os.NewFile(ImageFD, local.Path)
}
