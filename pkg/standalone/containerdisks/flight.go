// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"context"
	"time"
)

// maxFlight is how long a transfer may take that does not stall.
const maxFlight = 4 * time.Hour

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
	f := c.board(what, do)
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

func (c *Cache) board(what string, do func(ctx context.Context) (string, error)) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[what]; f != nil {
		f.waiting++
		return f
	}
	ctx, cancel := context.WithTimeout(c.lifetime, maxFlight)
	f := &flight{waiting: 1, cancel: cancel, done: make(chan struct{})}
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
	return f
}
