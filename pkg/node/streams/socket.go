// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
)

// Subprotocol of all streams: raw bytes in binary messages.
const Subprotocol = "plain.kubevirt.io"

// toldOfTakeover is offered, and never chosen, by those who are to be told when another session takes theirs over. For
// all others the connection is cut then, as KubeVirt does: virtctl switches on the code 1006 that its client makes of it.
const toldOfTakeover = "takeover." + Subprotocol

// Socket is one end of a WebSocket that carries raw bytes. One goroutine may read and another write.
type Socket struct {
	ws      *websocket.Conn
	message io.Reader
	// writing is true while Write waits; wrote is set by each one.
	writing, wrote atomic.Bool
	pingInterval   time.Duration
	// datagrams: a Read returns exactly one message, which its buffer has to hold.
	datagrams bool
	// cut: the peer is not told that it was taken over.
	cut bool
}

var _ io.ReadWriteCloser = (*Socket)(nil)

// Accept upgrades a client's request. Where it fails, w has been answered.
//
// A page of another origin is refused: its cookies or client certificate would be its visitor's.
func Accept(w http.ResponseWriter, r *http.Request) (*Socket, error) {
	if r.ProtoMajor != 1 {
		http.Error(w, "a WebSocket needs HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return nil, fmt.Errorf("accept WebSocket: request is %s", r.Proto)
	}
	s := &Socket{cut: !offers(r, toldOfTakeover)}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:   []string{Subprotocol},
		OnPingReceived: s.mayPong,
	})
	if err != nil {
		return nil, fmt.Errorf("accept WebSocket: %w", err)
	}
	return s.on(ws), nil
}

// offers says whether a client offers a subprotocol.
func offers(r *http.Request, subprotocol string) bool {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offered := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(offered) == subprotocol {
				return true
			}
		}
	}
	return false
}

// Dial opens a stream at url (http, https, ws or wss). An answer that is no WebSocket becomes an API error
// with the code, reason and message of the answer.
func Dial(ctx context.Context, url string, client *http.Client) (*Socket, error) {
	s := &Socket{}
	ws, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient:     client,
		Subprotocols:   []string{Subprotocol, toldOfTakeover},
		OnPingReceived: s.mayPong,
	})
	if err != nil {
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			return nil, link.Refusal(response)
		}
		return nil, err
	}
	if ws.Subprotocol() != Subprotocol {
		_ = ws.CloseNow()
		return nil, fmt.Errorf("the server does not speak the subprotocol %s", Subprotocol)
	}
	return s.on(ws), nil
}

// DialDatagrams is Dial for a stream of which each message is a datagram: so is each Read and each Write.
func DialDatagrams(ctx context.Context, url string, client *http.Client) (*Socket, error) {
	s, err := Dial(ctx, url, client)
	if err != nil {
		return nil, err
	}
	s.datagrams = true
	return s, nil
}

func (s *Socket) on(ws *websocket.Conn) *Socket {
	// Messages are read piece by piece and never held whole, so their size needs no limit.
	ws.SetReadLimit(-1)
	s.ws, s.pingInterval = ws, pingInterval
	return s
}

// mayPong leaves a ping unanswered while the peer does not take our data: the answer could not pass
// either, and the library ends a connection on which it could not answer.
func (s *Socket) mayPong(context.Context, []byte) bool {
	return !s.writing.Load()
}

// Read returns io.EOF after the peer's normal end, and an *EndedError after any other end that it announced.
func (s *Socket) Read(p []byte) (int, error) {
	for {
		if s.message == nil {
			kind, message, err := s.ws.Reader(context.Background())
			if err != nil {
				return 0, endOf(err)
			}
			if kind != websocket.MessageBinary {
				return 0, s.fail(&EndedError{Code: websocket.StatusUnsupportedData, Reason: "only binary messages are understood"})
			}
			s.message = message
		}
		n, err := s.readMessage(p)
		if err == io.EOF {
			s.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, endOf(err)
		}
	}
}

// readMessage reads of a message what has come, or all of it where it is a datagram.
func (s *Socket) readMessage(p []byte) (int, error) {
	if !s.datagrams {
		return s.message.Read(p)
	}
	n, err := io.ReadFull(s.message, p)
	switch err {
	case io.EOF, io.ErrUnexpectedEOF:
		return n, io.EOF
	case nil:
		return 0, s.fail(&EndedError{Code: websocket.StatusMessageTooBig, Reason: fmt.Sprintf("a datagram has less than %d bytes", len(p))})
	default:
		return 0, err
	}
}

// fail ends the stream for a fault of the peer's.
func (s *Socket) fail(why *EndedError) error {
	_ = s.end(why)
	return why
}

// Write sends p as one message, and blocks while the peer takes none.
func (s *Socket) Write(p []byte) (int, error) {
	s.wrote.Store(true)
	s.writing.Store(true)
	defer s.writing.Store(false)
	if err := s.ws.Write(context.Background(), websocket.MessageBinary, p); err != nil {
		return 0, endOf(err)
	}
	return len(p), nil
}

// Close ends the stream normally, where it has not ended. It waits some seconds at most for the peer to agree.
func (s *Socket) Close() error {
	return s.end(io.EOF)
}

// drop closes without a word, which also ends a Read that waits.
func (s *Socket) drop() {
	_ = s.ws.CloseNow()
}

// end tells the peer why the stream ends, unless it takes no more data, and closes.
func (s *Socket) end(why error) error {
	var err error
	if s.writing.Load() || s.cut && errors.Is(why, ErrTakenOver) {
		err = s.ws.CloseNow()
	} else {
		err = s.ws.Close(closing(why))
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
