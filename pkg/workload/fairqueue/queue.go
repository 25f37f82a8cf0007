// SPDX-License-Identifier: Apache-2.0

package fairqueue

import (
	"context"
	"slices"
	"sync"
)

// Queue hands out slots. A namespace gets one more only while more are free than it has already: one alone has half of
// them at the most, and something is left for whoever comes next.
type Queue struct {
	mu      sync.Mutex
	free    int
	waiting []*ticket // in the order in which they came
	shares  map[string]*share
	turns   uint64
}

type ticket struct {
	namespace string
	granted   chan struct{}
}

// share is what a namespace has that waits or has slots.
type share struct {
	running, waiting int
	// last is the turn in which it was served.
	last uint64
}

// New returns a queue for so many slots, one at the least.
func New(slots int) *Queue {
	return &Queue{free: max(slots, 1), shares: map[string]*share{}}
}

// Acquire waits for a slot. It is the namespace's until release is called. The error is why ctx ended.
func (q *Queue) Acquire(ctx context.Context, namespace string) (release func(), err error) {
	t := &ticket{namespace, make(chan struct{})}
	q.join(t)
	select {
	case <-t.granted:
		return sync.OnceFunc(func() { q.release(namespace) }), nil
	case <-ctx.Done():
		q.leave(t)
		return nil, context.Cause(ctx)
	}
}

func (q *Queue) join(t *ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, t)
	if q.shares[t.namespace] == nil {
		q.shares[t.namespace] = &share{}
	}
	q.shares[t.namespace].waiting++
	q.grant()
}

// leave gives up a ticket, also one that was granted meanwhile.
func (q *Queue) leave(t *ticket) {
	q.mu.Lock()
	if i := slices.Index(q.waiting, t); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.shares[t.namespace].waiting--
		q.forget(t.namespace)
		q.mu.Unlock()
		return
	}
	q.mu.Unlock()
	q.release(t.namespace)
}

func (q *Queue) release(namespace string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	q.shares[namespace].running--
	q.grant()
	q.forget(namespace)
}

// forget drops a namespace that has nothing here; the caller holds mu.
func (q *Queue) forget(namespace string) {
	if s := q.shares[namespace]; s.running == 0 && s.waiting == 0 {
		delete(q.shares, namespace)
	}
}

// grant hands out what may be handed out; the caller holds mu.
func (q *Queue) grant() {
	for {
		next := q.next()
		if next < 0 {
			return
		}
		t := q.waiting[next]
		q.waiting = slices.Delete(q.waiting, next, next+1)
		q.turns++
		s := q.shares[t.namespace]
		s.waiting--
		s.running++
		s.last = q.turns
		q.free--
		close(t.granted)
	}
}

// next is the ticket of the namespace that has the least, and of those that which was served longest ago; -1 where none
// may have a slot.
func (q *Queue) next() int {
	best := -1
	for i, t := range q.waiting {
		s := q.shares[t.namespace]
		if s.running >= q.free {
			continue
		}
		if best < 0 || s.before(q.shares[q.waiting[best].namespace]) {
			best = i
		}
	}
	return best
}

func (s *share) before(other *share) bool {
	if s.running != other.running {
		return s.running < other.running
	}
	return s.last < other.last
}
