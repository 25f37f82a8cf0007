// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"fmt"
	"net"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// maxBeside is how many sessions that go beside each other one instance may have.
const maxBeside = 64

// sessions are those that are open, no more than max in all.
type sessions struct {
	max int

	mu   sync.Mutex
	open map[sessionKey]*session
	last uint64
}

type sessionKey struct {
	namespace, name string
	uid             types.UID
	stream          string
	// number tells sessions apart that go beside each other; 0 for others.
	number uint64
}

// manner is how a new session gets on with those of the same stream.
type manner int

const (
	// takesOver ends the session that there is.
	takesOver manner = iota
	// ifFree is refused where there is one.
	ifFree
	// beside leaves the others alone.
	beside
)

func newSessions(max int) *sessions {
	return &sessions{max: max, open: map[sessionKey]*session{}}
}

// begin takes a free place, or that of the session with the same key, whose owner learns of it.
func (s *sessions) begin(key sessionKey, manner manner) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if manner == beside {
		s.last++
		key.number = s.last
	}
	older := s.open[key]
	switch {
	case older != nil && manner == ifFree:
		return nil, apierrors.NewServiceUnavailable("Active VNC connection. Request denied.")
	case older == nil && len(s.open) >= s.max:
		return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("all %d streams of the node are in use: close one and try again", s.max))
	case manner == beside && s.countBeside(key) >= maxBeside:
		return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("all %d forwarded connections of %s are in use: close one and try again", maxBeside, key.name))
	}
	if older != nil {
		older.takeOver()
	}
	newer := &session{key: key, in: s}
	s.open[key] = newer
	return newer, nil
}

// countBeside is how many of the instance's sessions go beside each other.
func (s *sessions) countBeside(of sessionKey) int {
	count := 0
	for key := range s.open {
		if key.number != 0 && key.namespace == of.namespace && key.name == of.name {
			count++
		}
	}
	return count
}

// finish frees the place of a session that still has one.
func (s *sessions) finish(old *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[old.key] == old {
		delete(s.open, old.key)
	}
}

// session is a stream that has a place and can be taken over.
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

// Datagrams implements datagrams.
func (s *session) Datagrams() bool { return hasDatagrams(s.key.stream) }

// Close frees the session's place.
func (s *session) Close() error {
	s.in.finish(s)
	return s.Conn.Close()
}
