// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answering returns a client of a launcher that does as handler says.
func answering(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "va") // sockets need short paths
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return NewClient(socket)
}

func TestRefusalKeepsItsReason(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(&Error{Reason: ErrorConflict, Message: "another has the name"})
	})
	err := client.Call(t.Context(), Target{Namespace: "shop", Name: "web"}, ActionPause, nil, nil)
	assert.Equal(t, ErrorConflict, ReasonFor(err))
	assert.ErrorContains(t, err, "another has the name")
	_, err = client.VNC(t.Context(), Target{Namespace: "shop", Name: "web"})
	assert.Equal(t, ErrorConflict, ReasonFor(err))
}

func TestRefusalThatIsNoErrorIsInternal(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", http.StatusTeapot) })
	_, err := client.Health(t.Context())
	assert.Equal(t, ErrorInternal, ReasonFor(err))
	assert.ErrorContains(t, err, "418")
}

func TestNoLauncherIsNoRefusal(t *testing.T) {
	client := NewClient("/nonexistent/launcher.sock")
	_, err := client.List(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.Empty(t, ReasonFor(err))
	_, err = client.Console(t.Context(), Target{Namespace: "shop", Name: "web"})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = client.Start(t.Context(), &StartRequest{})
	assert.Equal(t, ErrorInvalid, ReasonFor(err))
}

func TestAnswerThatIsCutOffIsAnError(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `[{"namespace":`) })
	_, err := client.List(t.Context())
	require.ErrorContains(t, err, "decode answer")
}

func TestNamesAreEscaped(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v1/domains/a%2F..%2Fb/c%3Fd/reset", r.URL.EscapedPath())
		w.WriteHeader(http.StatusNoContent)
	})
	require.NoError(t, client.Call(t.Context(), Target{Namespace: "a/../b", Name: "c?d"}, ActionReset, nil, nil))
}

func TestWatchSkipsHeartbeats(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "\n"+`{"type":"Synced"}`+"\n\n\n"+`{"type":"Deleted","status":{"name":"web"}}`+"\n")
	})
	var got []EventType
	err := client.Watch(t.Context(), func(event Event) error {
		got = append(got, event.Type)
		return nil
	})
	require.ErrorIs(t, err, io.EOF, "the launcher went away")
	assert.Equal(t, []EventType{EventSynced, EventDeleted}, got)
}

func TestWatchEndsWithItsHandlerAndItsContext(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"type":"Synced"}`+"\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	enough := errors.New("enough")
	require.ErrorIs(t, client.Watch(t.Context(), func(Event) error { return enough }), enough)
	ctx, cancel := context.WithCancel(t.Context())
	err := client.Watch(ctx, func(Event) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)
}

func TestStreamLosesNoByte(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, StreamProtocol, r.Header.Get("Upgrade"))
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+StreamProtocol+"\r\n\r\nlogin: ")
		_, _ = io.Copy(conn, io.LimitReader(buffered, 4))
	})
	stream, err := client.Console(t.Context(), Target{Namespace: "shop", Name: "web"})
	require.NoError(t, err)
	defer stream.Close()
	_, err = io.WriteString(stream, "root")
	require.NoError(t, err)
	all, err := io.ReadAll(stream)
	require.NoError(t, err)
	assert.Equal(t, "login: root", string(all))
}

func TestStreamOutlivesTheContextOfItsOpening(t *testing.T) {
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		_, _ = io.Copy(conn, conn)
	})
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := client.Console(ctx, Target{Namespace: "shop", Name: "web"})
	require.NoError(t, err)
	defer stream.Close()
	cancel()
	_, err = io.WriteString(stream, "x")
	require.NoError(t, err)
	_, err = io.ReadFull(stream, make([]byte, 1))
	require.NoError(t, err)
}

func TestEveryReasonHasACode(t *testing.T) {
	for reason, code := range map[string]int{
		ErrorNotFound: 404, ErrorConflict: 409, ErrorNotRunning: 409, ErrorInvalid: 422, ErrorLimit: 429,
		ErrorLibvirtUnavailable: 503, ErrorStartFailed: 500, ErrorInternal: 500,
	} {
		assert.Equal(t, code, (&Error{Reason: reason}).Code(), reason)
	}
}
