// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// watch sends events, one a line, and an empty line when there are none, until ctx or the request ends.
func (s *Server) watch(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	if !s.manager.isSynced() {
		s.refuse(w, r, s.manager.unavailable())
		return
	}
	watching, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	watcher := s.manager.hub.watch()
	defer s.manager.hub.stop(watcher)
	w.Header().Set("Content-Type", "application/json")
	for {
		events := watcher.next(watching, api.HeartbeatPeriod)
		if watching.Err() != nil {
			return
		}
		if err := sendEvents(w, events); err != nil {
			return
		}
	}
}

// sendEvents sends events, or an empty line where there are none.
func sendEvents(w http.ResponseWriter, events []api.Event) error {
	controller := http.NewResponseController(w)
	if err := controller.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	encoder := json.NewEncoder(w)
	for _, event := range events {
		if err := encoder.Encode(event); err != nil {
			return err
		}
	}
	if len(events) == 0 {
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return controller.Flush()
}

// accept gives the connection of a request, once that is taken.
type accept = func() (io.ReadWriteCloser, error)

// stream turns the connection of a request into what connect joins it to, until that ends.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, connect func(accept) error) {
	if r.Header.Get("Upgrade") != api.StreamProtocol {
		s.refuse(w, r, invalid(errors.New("header Upgrade: must be "+api.StreamProtocol)))
		return
	}
	accepted := false
	err := connect(func() (io.ReadWriteCloser, error) {
		accepted = true
		return switchProtocols(w)
	})
	if err == nil {
		return
	}
	if accepted {
		s.log.Info("can't begin a stream", "path", r.URL.Path, "error", err)
		return
	}
	s.refuse(w, r, err)
}

// switchProtocols takes the connection over from the HTTP server and tells the client so.
func switchProtocols(w http.ResponseWriter) (io.ReadWriteCloser, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+api.StreamProtocol+"\r\n\r\n")
	if err = errors.Join(err, conn.SetDeadline(time.Time{})); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &hijacked{conn, buffered.Reader}, nil
}

// hijacked first reads what the HTTP server had read already.
type hijacked struct {
	net.Conn
	reader *bufio.Reader
}

func (h *hijacked) Read(p []byte) (int, error) { return h.reader.Read(p) }
