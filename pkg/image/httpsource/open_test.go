// SPDX-License-Identifier: Apache-2.0

package httpsource_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/httpsource"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

func TestOpenExplainsTheServersAnswer(t *testing.T) {
	t.Parallel()
	for status, reason := range map[int]string{
		http.StatusNotFound:            failure.NotFound,
		http.StatusGone:                failure.NotFound,
		http.StatusUnauthorized:        failure.Unauthorized,
		http.StatusForbidden:           failure.Unauthorized,
		http.StatusInternalServerError: failure.ServerError,
		http.StatusServiceUnavailable:  failure.ServerError,
		http.StatusTooManyRequests:     failure.ServerError,
		http.StatusNoContent:           failure.UnexpectedStatus,
		http.StatusPartialContent:      failure.UnexpectedStatus,
		http.StatusTeapot:              failure.UnexpectedStatus,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
			src.URL = strings.Replace(src.URL, "://", "://me:hunter2@", 1) + "/image?token=hunter2"
			_, err := readAll(t, src, quick())
			typed := requireFailure(t, err, reason, false)
			require.NotContains(t, typed.Message, "hunter2")
			require.Contains(t, typed.Message, "/image")
		})
	}
}

func TestOpenTrustsTheSystemAndTheGivenCAOnly(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "image") }))
	t.Cleanup(server.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))

	_, err := readAll(t, source.HTTP{URL: server.URL}, quick())
	requireFailure(t, err, failure.TLSFailure, false)

	for _, src := range []source.HTTP{{URL: server.URL, CACert: ca}, {URL: server.URL, InsecureSkipVerify: true}} {
		got, err := readAll(t, src, quick())
		require.NoError(t, err)
		require.Equal(t, "image", string(got))
	}

	_, err = readAll(t, source.HTTP{URL: server.URL, CACert: "no certificate"}, quick())
	requireFailure(t, err, failure.InvalidRequest, true)
}

func TestOpenTellsAServerThatSpeaksNoTLS(t *testing.T) {
	t.Parallel()
	src := serve(t, http.NotFoundHandler())
	src.URL = strings.Replace(src.URL, "http:", "https:", 1)
	_, err := readAll(t, src, quick())
	requireFailure(t, err, failure.TLSFailure, false)
}

func TestOpenTellsWhereItCannotConnect(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = readAll(t, source.HTTP{URL: "http://" + address + "/image"}, quick())
	typed := requireFailure(t, err, failure.ConnectionFailed, false)
	require.Contains(t, typed.Message, address)
}

func TestOpenTellsAServerThatNeverAnswers(t *testing.T) {
	t.Parallel()
	src := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	_, err := readAll(t, src, httpsource.Options{IdleTimeout: 50 * time.Millisecond})
	requireFailure(t, err, failure.Stalled, false)
}

func TestOpenCapsTheResponsesHeader(t *testing.T) {
	t.Parallel()
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 100<<10))
	}))
	_, err := readAll(t, src, quick())
	requireFailure(t, err, failure.ConnectionFailed, false)
}

func TestOpenRefusesACodingThatItCannotUndo(t *testing.T) {
	t.Parallel()
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "br") }))
	_, err := readAll(t, src, quick())
	requireFailure(t, err, failure.UnsupportedCoding, true)
}

func TestOpenSendsTheHostHeader(t *testing.T) {
	t.Parallel()
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) }))
	src.ExtraHeaders = []string{"host: images.example"}
	got, err := readAll(t, src, quick())
	require.NoError(t, err)
	require.Equal(t, "images.example", string(got))
}

func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	src := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	body, err := httpsource.Open(ctx, src, quick())
	require.NoError(t, err)
	defer body.Close()
	require.Equal(t, int64(-1), body.Size())
	cancel()
	_, err = body.Read(make([]byte, 1))
	require.ErrorIs(t, err, context.Canceled)
}
