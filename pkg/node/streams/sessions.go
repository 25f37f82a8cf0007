// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"fmt"
	"net"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// sessions are those that are open, one for each stream of an instance, no more than max in all.
type sessions struct {
	max int

	mu   sync.Mutex
	open map[sessionKey]*session
}

type sessionKey struct {
	namespace, name string
	stream          string
}

func newSessions(max int) *sessions {
	return &sessions{max: max, open: map[sessionKey]*session{}}
}

// begin takes the place of the session with the same key, whose owner learns of it, or a free one.
func (s *sessions) begin(key sessionKey) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	older := s.open[key]
	if older == nil && len(s.open) >= s.max {
		return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("all %d streams of the node are in use: close one and try again", s.max))
	}
	if older != nil {
		older.takeOver()
	}
	newer := &session{key: key, in: s}
	s.open[key] = newer
	return newer, nil
}

// finish frees the place of a session that still has one.
func (s *sessions) finish(old *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[old.key] == old {
		delete(s.open, old.key)
	}
}

// session is a stream that can be taken over.
type session struct {
	net.Conn
	key sessionKey
	in  *sessions

	mu    sync.Mutex
	taken bool
}

// attach gives the session its stream, unless it was taken over meanwhile.
func (s *session) attach(conn net.Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken {
		_ = conn.Close()
		return ErrTakenOver
	}
	s.Conn = conn
	return nil
}

func (s *session) takeOver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = true
	if s.Conn != nil {
		_ = s.Conn.Close()
	}
}

// Read ends with ErrTakenOver once a newer session began.
func (s *session) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if err != nil && s.isTaken() {
		err = ErrTakenOver
	}
	return n, err
}

func (s *session) isTaken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Close frees the session's place.
func (s *session) Close() error {
	s.in.finish(s)
	return s.Conn.Close()
}
