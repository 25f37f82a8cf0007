// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const patience = 10 * time.Second

func within(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		require.Fail(t, "the bridge did not end")
		return nil
	}
}

func pair(t *testing.T) (ours, guest *net.TCPConn) {
	t.Helper()
	ours, guest, err := tcpPair()
	require.NoError(t, err)
	t.Cleanup(func() { guest.Close(); ours.Close() })
	return ours, guest
}

func TestBridgeCarriesAllBytesBothWays(t *testing.T) {
	noLeaks(t)
	ours, guest := pair(t)
	client, ended := bridged(t, t.Context(), ours)
	there, back := make([]byte, 3<<20), make([]byte, 2<<20)
	_, _ = rand.Read(there)
	_, _ = rand.Read(back)

	gotThere := make(chan []byte, 1)
	go func() {
		data := make([]byte, len(there))
		_, _ = io.ReadFull(guest, data)
		gotThere <- data
	}()
	go func() { _, _ = guest.Write(back) }()
	go func() { _, _ = client.Write(there) }()

	got := make([]byte, len(back))
	_, err := io.ReadFull(client, got)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(back, got))
	assert.True(t, bytes.Equal(there, <-gotThere))

	require.NoError(t, client.Close())
	assert.NoError(t, within(t, ended), "a client that leaves is no fault")
	_, err = guest.Read(got)
	assert.Error(t, err, "the guest's side is closed")
}

func TestBridgeDeliversTheGuestsLastWords(t *testing.T) {
	noLeaks(t)
	ours, guest := pair(t)
	client, ended := bridged(t, t.Context(), ours)
	words := bytes.Repeat([]byte("power down\r\n"), 50_000)
	go func() {
		_, _ = guest.Write(words)
		_ = guest.Close()
	}()

	got, err := io.ReadAll(client)

	require.NoError(t, err, "the guest's end is a normal close")
	assert.True(t, bytes.Equal(words, got))
	assert.Equal(t, io.EOF, within(t, ended))
}

func TestBridgeReadsOnWhenTheGuestTakesNoMore(t *testing.T) {
	noLeaks(t)
	ours, guest := pair(t)
	client, ended := bridged(t, t.Context(), ours)
	require.NoError(t, ours.CloseWrite())
	_, err := client.Write([]byte("lost"))
	require.NoError(t, err)
	go func() {
		_, _ = guest.Write([]byte("still here"))
		_ = guest.Close()
	}()

	got, err := io.ReadAll(client)

	require.NoError(t, err)
	assert.Equal(t, "still here", string(got))
	assert.Equal(t, io.EOF, within(t, ended))
}

// faulty is a guest's stream whose reads end with err.
type faulty struct {
	net.Conn
	err error
}

func (f faulty) Read([]byte) (int, error) { return 0, f.err }

func TestBridgeTellsTheClientWhyItEnds(t *testing.T) {
	tests := map[string]struct {
		end  error
		want error
	}{
		"taken over":       {ErrTakenOver, ErrTakenOver},
		"hop is stopping":  {ErrStopping, ErrStopping},
		"connection broke": {errors.New("reset"), ErrBroken},
		"hop crashed":      {io.ErrUnexpectedEOF, ErrBroken},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			ours, _ := pair(t)
			client, ended := bridged(t, t.Context(), faulty{ours, tc.end})

			_, err := client.Read(make([]byte, 1))

			assert.ErrorIs(t, err, tc.want)
			assert.ErrorIs(t, within(t, ended), tc.end)
		})
	}
}

// TestATakeoverIsACutConnectionForOthersClients has a client that offers what KubeVirt's do: of the console and of the
// screen it gets to know no more than that the connection ended, which its library calls code 1006.
func TestATakeoverIsACutConnectionForOthersClients(t *testing.T) {
	for name, end := range map[string]error{"taken over": ErrTakenOver, "closed": io.EOF} {
		t.Run(name, func(t *testing.T) {
			ours, _ := pair(t)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				Serve(w, r, func(context.Context) (net.Conn, error) { return faulty{ours, end}, nil }, func(error) {})
			}))
			defer server.Close()
			client, _, err := websocket.Dial(t.Context(), server.URL, &websocket.DialOptions{Subprotocols: []string{Subprotocol}})
			require.NoError(t, err)
			defer client.CloseNow()
			_, _, err = client.Read(t.Context())
			if end == io.EOF {
				assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err), "%v", err)
				return
			}
			assert.Equal(t, websocket.StatusCode(-1), websocket.CloseStatus(err), "no close frame: %v", err)
			assert.ErrorIs(t, err, io.EOF)
		})
	}
}

func TestBridgeEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	ours, _ := pair(t)
	client, ended := bridged(t, ctx, ours)
	cancel()

	_, err := client.Read(make([]byte, 1))

	assert.ErrorIs(t, err, ErrStopping)
	assert.ErrorIs(t, within(t, ended), context.Canceled)
}

func TestBridgeEndsWithAClientThatVanished(t *testing.T) {
	noLeaks(t)
	ours, _ := pair(t)
	client, ended := bridged(t, t.Context(), ours)
	client.drop()

	assert.Error(t, within(t, ended))
}

func TestBridgeFindsAClientGoneWhileTheGuestTakesNothing(t *testing.T) {
	noLeaks(t)
	ours, _ := net.Pipe()
	client, ended := pinged(t, t.Context(), ours, 20*time.Millisecond)
	_, err := client.Write([]byte("nobody reads this"))
	require.NoError(t, err)
	client.drop()

	assert.Error(t, within(t, ended))
}

func TestBridgeInsistsOnNoPong(t *testing.T) {
	noLeaks(t)
	ours, guest := pair(t)
	client, ended := pinged(t, t.Context(), ours, 20*time.Millisecond)
	// A client that does not read answers no ping.
	assert.Never(t, func() bool { return len(ended) > 0 }, 200*time.Millisecond, 20*time.Millisecond)
	_, err := guest.Write([]byte("x"))
	require.NoError(t, err)
	_, err = io.ReadFull(client, make([]byte, 1))
	assert.NoError(t, err)
}

func TestBridgeDoesNotReadAheadOfAClientThatWaits(t *testing.T) {
	noLeaks(t)
	ours, guest := pair(t)
	client, ended := bridged(t, t.Context(), ours)
	written := make(chan int, 1)
	go func() {
		total, chunk := 0, make([]byte, 64<<10)
		for {
			_ = guest.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
			n, err := guest.Write(chunk)
			total += n
			if err != nil {
				written <- total
				return
			}
		}
	}()

	total := <-written
	assert.Less(t, total, 64<<20, "only the kernel's buffers may fill")

	_ = guest.Close()
	got, err := io.ReadAll(client)
	require.NoError(t, err)
	assert.Len(t, got, total, "what was taken is delivered")
	assert.Equal(t, io.EOF, within(t, ended))
}

func TestPingIsAnsweredUnlessDataWaits(t *testing.T) {
	s := &Socket{}
	assert.True(t, s.mayPong(t.Context(), nil))
	s.writing.Store(true)
	assert.False(t, s.mayPong(t.Context(), nil))
}

func TestTextMessagesAreRefused(t *testing.T) {
	noLeaks(t)
	ours, _ := pair(t)
	client, ended := bridged(t, t.Context(), ours)
	require.NoError(t, client.ws.Write(t.Context(), websocket.MessageText, []byte("hello")))

	_, err := client.Read(make([]byte, 1))

	assert.ErrorIs(t, err, &EndedError{Code: websocket.StatusUnsupportedData})
	assert.Error(t, within(t, ended))
}

func TestDialReturnsTheServersRefusal(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no guests today", http.StatusTeapot)
	}))
	defer server.Close()

	_, err := Dial(t.Context(), server.URL, server.Client())

	assert.ErrorContains(t, err, "no guests today")
}

func TestDialRefusesAServerWithoutTheSubprotocol(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err == nil {
			_ = ws.CloseNow()
		}
	}))
	defer server.Close()

	_, err := Dial(t.Context(), server.URL, server.Client())

	assert.ErrorContains(t, err, Subprotocol)
}
