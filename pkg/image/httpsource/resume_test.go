// SPDX-License-Identifier: Apache-2.0

package httpsource_test

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/httpsource"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const date = "Wed, 01 Jan 2020 10:00:00 GMT"

// flaky serves content and cuts each response after limit bytes.
type flaky struct {
	content  []byte
	limit    int64
	header   http.Header
	requests []http.Header
	// change is called before each request but the first.
	change func(*flaky)
	// noRanges makes the server ignore Range.
	noRanges bool
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(f.requests) > 0 && f.change != nil {
		f.change(f)
	}
	f.requests = append(f.requests, r.Header.Clone())
	for name, values := range f.header {
		w.Header()[name] = values
	}
	modified, _ := http.ParseTime(f.header.Get("Last-Modified"))
	if f.noRanges {
		r.Header.Del("Range")
	}
	http.ServeContent(&cutter{ResponseWriter: w, left: f.limit}, r, "", modified, bytes.NewReader(f.content))
}

// cutter breaks the connection after so many bytes.
type cutter struct {
	http.ResponseWriter
	left int64
}

func (c *cutter) Write(p []byte) (int, error) {
	n := min(int64(len(p)), c.left)
	_, err := c.ResponseWriter.Write(p[:n])
	c.left -= n
	if c.left == 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return int(n), err
}

func randomBytes(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func quick() httpsource.Options {
	return httpsource.Options{IdleTimeout: 5 * time.Second, ResumeDelay: time.Millisecond, Egress: loopback}
}

func serve(t *testing.T, h http.Handler) source.HTTP {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return source.HTTP{URL: server.URL}
}

func TestReadResumesACutTransfer(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"with a strong ETag":     {"Etag": {`"v1"`}},
		"with an old date":       {"Last-Modified": {date}},
		"with a weak ETag, date": {"Etag": {`W/"v1"`}, "Last-Modified": {date}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &flaky{content: randomBytes(1 << 20), limit: 300_000, header: header}
			got, err := readAll(t, serve(t, f), quick())
			require.NoError(t, err)
			require.True(t, bytes.Equal(f.content, got))
			require.Len(t, f.requests, 4)
			require.Contains(t, []string{`"v1"`, date}, f.requests[1].Get("If-Range"))
		})
	}
}

func TestReadResumesNothingThatMayHaveChanged(t *testing.T) {
	t.Parallel()
	strong := http.Header{"Etag": {`"v1"`}}
	for name, f := range map[string]*flaky{
		"no validator":      {},
		"weak validator":    {header: http.Header{"Etag": {`W/"v1"`}}},
		"just modified":     {header: http.Header{"Last-Modified": {date}, "Date": {date}}},
		"changed":           {header: strong.Clone(), change: func(f *flaky) { f.header.Set("ETag", `"v2"`) }},
		"changed in length": {header: strong.Clone(), change: func(f *flaky) { f.content = f.content[:500_000] }},
		"ranges ignored":    {header: strong.Clone(), noRanges: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.content, f.limit = randomBytes(1<<20), 300_000
			_, err := readAll(t, serve(t, f), quick())
			requireFailure(t, err, failure.Truncated, false)
			require.LessOrEqual(t, len(f.requests), 2)
		})
	}
}

func TestReadResumesOnlySoOftenWithoutGettingOn(t *testing.T) {
	t.Parallel()
	f := &flaky{content: randomBytes(1 << 20), limit: 10, header: http.Header{"Etag": {`"v1"`}}}
	_, err := readAll(t, serve(t, f), quick())
	requireFailure(t, err, failure.Truncated, false)
	require.Len(t, f.requests, 6)
}

func TestReadTellsATruncatedBody(t *testing.T) {
	t.Parallel()
	_, err := readAll(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(1<<20))
		_, _ = w.Write(make([]byte, 1000))
	})), quick())
	typed := requireFailure(t, err, failure.Truncated, false)
	require.Contains(t, typed.Message, "after 1000 of 1048576 bytes")
}

// TestReadTellsAStalledTransfer has a server that sends a part and then
// nothing, on the first connection for ever.
func TestReadTellsAStalledTransfer(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	handler := func(resumable bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.Header().Set("Content-Range", "bytes 5-9/10")
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write([]byte("world"))
				return
			}
			if resumable {
				w.Header().Set("Accept-Ranges", "bytes")
				w.Header().Set("ETag", `"v1"`)
			}
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("hello"))
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		})
	}
	opts := httpsource.Options{IdleTimeout: 50 * time.Millisecond, ResumeDelay: time.Millisecond}
	_, err := readAll(t, serve(t, handler(false)), opts)
	requireFailure(t, err, failure.Stalled, false)

	got, err := readAll(t, serve(t, handler(true)), opts)
	require.NoError(t, err)
	require.Equal(t, "helloworld", string(got))
}
