// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"context"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload/fairqueue"
)

const (
	// maxResolve is how long it may take to ask what an image is now.
	maxResolve = time.Minute
	// maxFetch is how long a transfer may take that is neither stalled nor too slow.
	maxFetch = 4 * time.Hour
)

// work is what a namespace has to be done in its turn.
type work struct {
	line      *fairqueue.Queue
	namespace string
	what      string
	// limit is how long it may take once it has begun.
	limit time.Duration
}

// turn has do done when it is the namespace's turn, once for all who ask for the same at one time. Those of one
// namespace wait together; where another does the same already, its result is everyone's.
func (c *Cache) turn(ctx context.Context, w work, do func(ctx context.Context) (string, error)) (string, error) {
	// No image has a space in its name, so this is no other work's name.
	return c.share(ctx, "turn of "+w.namespace+" to "+w.what, func(ctx context.Context) (string, error) {
		release, err := w.line.Acquire(ctx, w.namespace)
		if err != nil {
			return "", err
		}
		f, began := c.board(w.what, func(ctx context.Context) (string, error) {
			// A process that is told to end has its slot until it has ended.
			defer release()
			ctx, cancel := context.WithTimeoutCause(ctx, w.limit, failure.Transient(failure.Stalled,
				"it took longer than %s: check the registry and the network", w.limit))
			defer cancel()
			return do(ctx)
		})
		if !began {
			defer release()
		}
		return c.await(ctx, w.what, f)
	})
}

// flight is one piece of work that several wait for. It goes on for as long as one of them does.
type flight struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{}
	result  string
	err     error
}

// share has do done once for all who ask for the same at one time, and returns what it returned.
func (c *Cache) share(ctx context.Context, what string, do func(ctx context.Context) (string, error)) (string, error) {
	f, _ := c.board(what, do)
	return c.await(ctx, what, f)
}

// await waits for a flight that was boarded.
func (c *Cache) await(ctx context.Context, what string, f *flight) (string, error) {
	select {
	case <-f.done:
		return f.result, f.err
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		if f.waiting--; f.waiting == 0 {
			f.cancel()
			if c.flights[what] == f {
				delete(c.flights, what)
			}
		}
		return "", context.Cause(ctx)
	}
}

// board joins the flight that does this, or begins one.
func (c *Cache) board(what string, do func(ctx context.Context) (string, error)) (f *flight, began bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[what]; f != nil {
		f.waiting++
		return f, false
	}
	ctx, cancel := context.WithCancel(c.lifetime)
	f = &flight{waiting: 1, cancel: cancel, done: make(chan struct{})}
	c.flights[what] = f
	c.running.Go(func() {
		defer cancel()
		f.result, f.err = do(ctx)
		c.mu.Lock()
		if c.flights[what] == f {
			delete(c.flights, what)
		}
		c.mu.Unlock()
		close(f.done)
	})
	return f, true
}
