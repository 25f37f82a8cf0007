// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"
)

// patience is how long a passing state may stay unwritten: long for a machine, short for a person.
const patience = 500 * time.Millisecond

// Settle keeps passing states from being written: a write that is soon overtaken by the next is saved.
// The zero value is ready for use by several goroutines.
type Settle struct {
	mu    sync.Mutex
	since map[cache.ObjectName]time.Time
}

// Wait says how long the write of a passing state of key has to wait; 0 is not at all. The time counts from
// the first call since Done, so that a state which passes into another is not put off again.
func (s *Settle) Wait(key cache.ObjectName, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, waiting := s.since[key]
	if !waiting {
		if s.since == nil {
			s.since = make(map[cache.ObjectName]time.Time)
		}
		s.since[key] = now
		return patience
	}
	return max(patience-now.Sub(since), 0)
}

// Done notes that nothing of key waits to be written.
func (s *Settle) Done(key cache.ObjectName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.since, key)
}
