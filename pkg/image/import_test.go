// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

func TestImportReadsRawAndQcow2InEveryCompression(t *testing.T) {
	t.Parallel()
	raw := disk(6 * mib)
	images := map[string][]byte{
		"raw":         raw,
		"raw, odd":    raw[:5*mib+700],
		"qcow2":       toQcow2(t, raw),
		"qcow2, zlib": toQcow2(t, raw, "-c"),
		"qcow2, zstd": toQcow2(t, raw, "-c", "-o", "compression_type=zstd"),
		"qcow2 v2":    toQcow2(t, raw, "-o", "compat=0.10"),
	}
	compressors := map[string][]string{
		"": nil, "gzip": {"gzip", "-1"}, "xz": {"xz", "-1"}, "zstd": {"zstd", "-q"},
	}
	for name, b := range images {
		for compression, command := range compressors {
			t.Run(name+" "+compression, func(t *testing.T) {
				t.Parallel()
				sent, want, format := b, raw, "qcow2"
				if name[:3] == "raw" {
					want, format = b, "raw"
				}
				if command != nil {
					sent = compress(t, b, command[0], command[1:]...)
				}
				src := serve(t, content(sent))
				src.Checksum = fmt.Sprintf("sha256:%x", sha256.Sum256(sent))
				target := newTarget(t)
				result, err := image.Import(t.Context(), src, image.Options{Target: target, Egress: loopback, Size: 8 * mib})
				require.NoError(t, err)
				requireVolume(t, target, want, 8*mib)
				require.Equal(t, image.Result{
					Format: format, Compression: compression, VirtualSizeBytes: int64(len(want)),
					TransferredBytes: int64(len(sent)), WrittenBytes: result.WrittenBytes, Checksum: src.Checksum,
				}, result)
				_, allocated := usage(t, target)
				require.InDelta(t, result.WrittenBytes, allocated, 128<<10, "holes must stay holes, and nothing be written twice")
			})
		}
	}
}

func TestImportReadsSeveralMembersAndStreams(t *testing.T) {
	t.Parallel()
	raw := disk(2 * mib)
	for name, command := range map[string][]string{"gzip": {"gzip", "-1"}, "xz": {"xz", "-1"}, "zstd": {"zstd", "-q"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := append(compress(t, raw[:mib], command[0], command[1:]...), compress(t, raw[mib:], command[0], command[1:]...)...)
			target := newTarget(t)
			_, err := image.Import(t.Context(), serve(t, content(sent)), image.Options{Target: target, Egress: loopback, Size: 2 * mib})
			require.NoError(t, err)
			requireVolume(t, target, raw, 2*mib)
		})
	}
}

// What the format's own program takes is taken, and what it refuses is refused.
func TestTailOfCompressedDataIsWhatTheFormatsOwnProgramMakesOfIt(t *testing.T) {
	t.Parallel()
	raw := disk(2 * mib)
	gz, xz, zst := compress(t, raw, "gzip", "-1"), compress(t, raw, "xz", "-1"), compress(t, raw, "zstd", "-q")
	for name, test := range map[string]struct {
		program string
		data    []byte
		tail    string
		reason  string
		ignored int
	}{
		"gzip, metadata as OpenWrt's":      {program: "gzip", data: gz, tail: "\x00\x00\x00\x00{\"metadata_version\":\"1.1\"}\nFWx0\x01\x02", ignored: 37},
		"gzip, text":                       {program: "gzip", data: gz, tail: "text", ignored: 4},
		"gzip, zeros":                      {program: "gzip", data: gz, tail: strings.Repeat("\x00", 512), ignored: 512},
		"gzip, half a magic and text":      {program: "gzip", data: gz, tail: "\x1ftext", ignored: 5},
		"gzip, a member behind zeros":      {program: "gzip", data: gz, tail: "\x00\x00" + string(gz), ignored: 2 + len(gz)},
		"gzip, two members and text":       {program: "gzip", data: append(compress(t, raw[:mib], "gzip"), compress(t, raw[mib:], "gzip")...), tail: "text", ignored: 4},
		"gzip, a member that is cut":       {program: "gzip", data: gz, tail: "\x1f\x8b\x08\x00", reason: failure.Truncated},
		"gzip, a member of a strange kind": {program: "gzip", data: gz, tail: "\x1f\x8b\x00garbage", reason: failure.CorruptImage},
		"xz, padding":                      {program: "xz", data: xz, tail: strings.Repeat("\x00", 512)},
		"xz, a stream behind padding":      {program: "xz", data: compress(t, raw[:mib], "xz"), tail: "\x00\x00\x00\x00" + string(compress(t, raw[mib:], "xz"))},
		"xz, odd padding":                  {program: "xz", data: xz, tail: strings.Repeat("\x00", 510), reason: failure.CorruptImage},
		"xz, text":                         {program: "xz", data: xz, tail: strings.Repeat("text", 8), reason: failure.CorruptImage},
		"zstd, a frame that is skipped":    {program: "zstd", data: zst, tail: "\x50\x2a\x4d\x18\x04\x00\x00\x00text"},
		"zstd, begins with such a frame":   {program: "zstd", data: append([]byte("\x5f\x2a\x4d\x18\x04\x00\x00\x00text"), zst...)},
		"zstd, text":                       {program: "zstd", data: zst, tail: strings.Repeat("text", 8), reason: failure.CorruptImage},
		"zstd, zeros":                      {program: "zstd", data: zst, tail: strings.Repeat("\x00", 512), reason: failure.CorruptImage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := append(slices.Clone(test.data), test.tail...)
			unpack := exec.Command(test.program, "-dc")
			unpack.Stdin = bytes.NewReader(sent)
			out, err := unpack.Output()
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			} else {
				require.NoError(t, err)
			}
			taken := code == 0 || test.program == "gzip" && code == 2 // a warning
			require.Equal(t, test.reason == "", taken, "%s ends with %d", test.program, code)

			src, target := serve(t, content(sent)), newTarget(t)
			src.Checksum = fmt.Sprintf("sha256:%x", sha256.Sum256(sent))
			result, err := image.Import(t.Context(), src, image.Options{Target: target, Egress: loopback, Size: 2 * mib})
			if test.reason != "" {
				requireFailed(t, err, target, test.reason, test.reason != failure.Truncated)
				return
			}
			require.NoError(t, err)
			requireVolume(t, target, out, 2*mib)
			assert.EqualValues(t, test.ignored, result.IgnoredBytes)
		})
	}
}

func TestImportReadsABodyOfUnknownLength(t *testing.T) {
	t.Parallel()
	raw := disk(3 * mib)
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for off := 0; off < len(raw); off += mib {
			_, _ = w.Write(raw[off : off+mib])
			w.(http.Flusher).Flush()
		}
	}))
	target := newTarget(t)
	_, err := image.Import(t.Context(), src, image.Options{Target: target, Egress: loopback, Size: 3 * mib})
	require.NoError(t, err)
	requireVolume(t, target, raw, 3*mib)
}

func TestImportReservesSpaceWhenAsked(t *testing.T) {
	t.Parallel()
	raw := disk(mib)
	target := newTarget(t)
	_, err := image.Import(t.Context(), serve(t, content(raw)), image.Options{Target: target, Egress: loopback, Size: 16 * mib, Preallocate: true})
	require.NoError(t, err)
	requireVolume(t, target, raw, 16*mib)
	_, allocated := usage(t, target)
	require.GreaterOrEqual(t, allocated, int64(16*mib))
}

func TestImportTellsItsProgress(t *testing.T) {
	t.Parallel()
	raw := disk(2 * mib)
	half, both := make(chan struct{}), make(chan image.Progress, 1)
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(raw)))
		_, _ = w.Write(raw[:mib])
		w.(http.Flusher).Flush()
		<-half
		_, _ = w.Write(raw[mib:])
	}))
	var last image.Progress
	result, err := image.Import(t.Context(), src, image.Options{
		Egress: loopback,
		Target: newTarget(t), Size: 2 * mib,
		Progress: func(p image.Progress) {
			last = p
			if p.TransferredBytes >= mib && len(both) == 0 {
				both <- p
				close(half)
			}
		},
	})
	require.NoError(t, err)
	first := <-both
	assert.Equal(t, image.Progress{TransferredBytes: mib, TotalBytes: 2 * mib, WrittenBytes: first.WrittenBytes}, first)
	assert.Equal(t, image.Progress{TransferredBytes: 2 * mib, TotalBytes: 2 * mib, WrittenBytes: result.WrittenBytes}, last)
}

func TestBlankIsAllHoles(t *testing.T) {
	t.Parallel()
	target := newTarget(t)
	result, err := image.Blank(image.Options{Target: target, Size: 10 * mib})
	require.NoError(t, err)
	require.Equal(t, image.Result{VirtualSizeBytes: 10 * mib}, result)
	requireVolume(t, target, nil, 10*mib)
	_, allocated := usage(t, target)
	require.Zero(t, allocated)
}
