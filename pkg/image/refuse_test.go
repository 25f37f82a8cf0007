// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// backed returns a qcow2 image with a backing file.
func backed(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	base, top := filepath.Join(dir, "base"), filepath.Join(dir, "top")
	require.NoError(t, os.WriteFile(base, make([]byte, mib), 0o600))
	output(t, nil, "qemu-img", "create", "-f", "qcow2", "-b", base, "-F", "raw", top)
	b, err := os.ReadFile(top)
	require.NoError(t, err)
	return b
}

func TestImportRefusesBadImages(t *testing.T) {
	t.Parallel()
	raw := disk(2 * mib)
	huge := toQcow2(t, raw)
	binary.BigEndian.PutUint64(huge[24:], 10<<40)
	external := toQcow2(t, raw)
	external[79] |= 4
	gz := compress(t, raw, "gzip", "-1")
	page := []byte("<!DOCTYPE html><html><body>" + strings.Repeat("<p>Not here", 200))
	broken := func(b []byte) []byte {
		b = bytes.Clone(b)
		for i := range 64 {
			b[len(b)/2+i] ^= 0x55
		}
		return b
	}
	tests := map[string]struct {
		body      []byte
		reason    string
		transient bool
	}{
		"10 TiB":              {body: huge, reason: failure.ImageTooLarge},
		"10 TiB, compressed":  {body: compress(t, huge, "gzip"), reason: failure.ImageTooLarge},
		"raw, too long":       {body: disk(5 * mib), reason: failure.ImageTooLarge},
		"raw, a byte longer":  {body: append(disk(4*mib), 0), reason: failure.ImageTooLarge},
		"raw bomb":            {body: compress(t, make([]byte, 64*mib), "zstd", "-q"), reason: failure.ImageTooLarge},
		"backing file":        {body: backed(t), reason: failure.BackingFileRefused},
		"external data file":  {body: external, reason: failure.ExternalDataFileRefused},
		"page":                {body: page, reason: failure.NotAnImage},
		"page, compressed":    {body: compress(t, page, "gzip"), reason: failure.NotAnImage},
		"nothing":             {body: nil, reason: failure.NotAnImage},
		"nothing, compressed": {body: compress(t, nil, "gzip"), reason: failure.NotAnImage},
		"twice compressed":    {body: compress(t, gz, "zstd", "-q"), reason: failure.UnsupportedFormat},
		"tar":                 {body: append(make([]byte, 0x101), append([]byte("ustar"), make([]byte, 900)...)...), reason: failure.UnsupportedFormat},
		"gzip, header only":   {body: gz[:5], reason: failure.Truncated, transient: true},
		"gzip, cut":           {body: gz[:len(gz)/2], reason: failure.Truncated, transient: true},
		"gzip, no trailer":    {body: gz[:len(gz)-8], reason: failure.Truncated, transient: true},
		"gzip, broken":        {body: broken(gz), reason: failure.CorruptImage},
		"lzma":                {body: compress(t, raw, "xz", "--format=lzma"), reason: failure.UnsupportedFormat},
		"bzip2":               {body: compress(t, raw, "bzip2"), reason: failure.UnsupportedFormat},
		"xz, cut":             {body: compress(t, raw, "xz", "-1")[:200_000], reason: failure.Truncated, transient: true},
		"xz, broken":          {body: broken(compress(t, raw, "xz", "-1")), reason: failure.CorruptImage},
		"zstd, cut":           {body: compress(t, raw, "zstd", "-q")[:200_000], reason: failure.Truncated, transient: true},
		"zstd, broken":        {body: broken(compress(t, raw, "zstd", "-q")), reason: failure.CorruptImage},
		"zstd, huge window":   {body: []byte("\x28\xb5\x2f\xfd\x00\xa0" + strings.Repeat("\x00", 1000)), reason: failure.UnsupportedFormat},
		"qcow2, cut":          {body: toQcow2(t, raw)[:500_000], reason: failure.Truncated, transient: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := newTarget(t)
			_, err := image.Import(t.Context(), serve(t, content(tt.body)), image.Options{Target: target, Egress: loopback, Size: 4 * mib})
			requireFailed(t, err, target, tt.reason, !tt.transient)
		})
	}
}

func TestImportRefusesTooLargeAnImageBeforeItIsTransferred(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10995116277760")
		zeros := make([]byte, mib)
		for sent.Load() < 1<<30 {
			n, err := w.Write(zeros)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	target := newTarget(t)
	_, err := image.Import(t.Context(), src, image.Options{Target: target, Egress: loopback, Size: 4 * mib})
	typed := requireFailed(t, err, target, failure.ImageTooLarge, true)
	require.Contains(t, typed.Message, "raise the request to at least 10995116277760")
	require.Less(t, sent.Load(), int64(64*mib))
}

func TestImportRefusesAWrongChecksum(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{"raw": disk(mib), "qcow2": toQcow2(t, disk(mib))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := serve(t, content(body))
			src.Checksum = "md5:" + strings.Repeat("00", 16)
			target := newTarget(t)
			_, err := image.Import(t.Context(), src, image.Options{Target: target, Egress: loopback, Size: mib})
			typed := requireFailed(t, err, target, failure.ChecksumError, true)
			require.Contains(t, typed.Message, src.Checksum)
		})
	}
}

func TestImportTellsTheServersFaults(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(content(disk(mib)))
	t.Cleanup(secure.Close)
	status := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	half := func(after func(r *http.Request)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "2097152")
			_, _ = w.Write(disk(mib))
			w.(http.Flusher).Flush()
			after(r)
		})
	}
	for name, tt := range map[string]struct {
		src    source.HTTP
		reason string
	}{
		"404":           {serve(t, status(404)), failure.NotFound},
		"500":           {serve(t, status(500)), failure.ServerError},
		"TLS":           {source.HTTP{URL: secure.URL}, failure.TLSFailure},
		"truncated":     {serve(t, half(func(*http.Request) {})), failure.Truncated},
		"stalled":       {serve(t, half(func(r *http.Request) { <-r.Context().Done() })), failure.Stalled},
		"redirect loop": {serve(t, http.RedirectHandler("/disk", http.StatusFound)), failure.TooManyRedirects},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := newTarget(t)
			opts := image.Options{Target: target, Egress: loopback, Size: 4 * mib}
			if tt.reason == failure.Stalled {
				opts.IdleTimeout = 300 * time.Millisecond // a busy machine takes that long for other faults
			}
			_, err := image.Import(t.Context(), tt.src, opts)
			requireFailed(t, err, target, tt.reason, false)
		})
	}
}

func TestFillTellsABrokenStreamFromAShortOne(t *testing.T) {
	t.Parallel()
	body := disk(mib)
	for name, cut := range map[string]error{"unexpected end": io.ErrUnexpectedEOF, "other": context.DeadlineExceeded} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := newTarget(t)
			stream := image.Stream{Reader: io.MultiReader(bytes.NewReader(body), iotest.ErrReader(cut)), Length: -1}
			_, err := image.Fill(t.Context(), stream, image.Options{Target: target, Size: 4 * mib})
			reason := failure.Truncated
			if cut != io.ErrUnexpectedEOF {
				reason = failure.Aborted
			}
			requireFailed(t, err, target, reason, false)
		})
	}
}

// endless yields a gzip member without content again and again.
type endless struct {
	member []byte
	at     int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.member[e.at:])
	e.at = (e.at + n) % len(e.member)
	return n, nil
}

func TestFillRefusesAStreamThatNeverComesToThePoint(t *testing.T) {
	t.Parallel()
	target := newTarget(t)
	// A member that is a header for the most part is passed over quickly.
	member := []byte("\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\x03\xff\xff" + strings.Repeat("x", 0xffff) + "\x03\x00" + strings.Repeat("\x00", 8))
	_, err := image.Fill(t.Context(), image.Stream{Reader: &endless{member: member}, Length: -1}, image.Options{Target: target, Size: mib})
	requireFailed(t, err, target, failure.ImageTooLarge, true)
}

func TestImportStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(disk(mib))
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}))
	target := newTarget(t)
	_, err := image.Import(ctx, src, image.Options{Target: target, Egress: loopback, Size: 4 * mib})
	requireFailed(t, err, target, failure.Aborted, false)
}

func TestImportRefusesATargetThatIsNoFile(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	_, err = image.Blank(image.Options{Target: w, Size: mib})
	require.ErrorContains(t, err, "not a regular file")
	_, err = image.Blank(image.Options{Target: newTarget(t)})
	require.ErrorContains(t, err, "request more than 0")
}
