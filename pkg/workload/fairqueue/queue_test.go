// SPDX-License-Identifier: Apache-2.0

package fairqueue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/workload/fairqueue"
)

// line asks for slots and notes who got one.
type line struct {
	t     *testing.T
	queue *fairqueue.Queue
	got   []string
	held  map[string][]func()
}

func newLine(t *testing.T, slots int) *line {
	return &line{t: t, queue: fairqueue.New(slots), held: map[string][]func(){}}
}

// ask waits until everybody has a slot or waits for one.
func (l *line) ask(namespaces ...string) {
	for _, namespace := range namespaces {
		go func() {
			release, err := l.queue.Acquire(l.t.Context(), namespace)
			if err != nil {
				return
			}
			l.got = append(l.got, namespace)
			l.held[namespace] = append(l.held[namespace], release)
		}()
		synctest.Wait()
	}
}

func (l *line) release(namespace string) {
	release := l.held[namespace][0]
	l.held[namespace] = l.held[namespace][1:]
	release()
	synctest.Wait()
}

// served returns who got a slot since the last call.
func (l *line) served() []string {
	got := l.got
	l.got = nil
	return got
}

func TestOneNamespaceLeavesSlotsToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 6)
		l.ask("a", "a", "a", "a", "a", "a", "a")
		assert.Equal(t, []string{"a", "a", "a"}, l.served(), "half of the slots")
		l.ask("b", "c", "d", "d")
		assert.Equal(t, []string{"b", "c", "d"}, l.served(), "whoever has none is served at once")
		l.release("a")
		assert.Empty(t, l.served(), "the last slot is for somebody who has none")
		l.ask("e")
		assert.Equal(t, []string{"e"}, l.served())
	})
}

func TestNamespacesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 1)
		l.ask("a", "a", "a", "a", "b", "b", "c")
		var order []string
		for len(order) < 7 {
			got := l.served()
			require.Len(t, got, 1, "after %v", order)
			order = append(order, got...)
			l.release(got[0])
		}
		assert.Equal(t, []string{"a", "b", "c", "a", "b", "a", "a"}, order)
	})
}

func TestWhoGivesUpLosesNoSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 1)
		l.ask("a")
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		ended := make(chan error, 1)
		go func() {
			_, err := l.queue.Acquire(ctx, "b")
			ended <- err
		}()
		synctest.Wait()
		cancel(gone)
		require.ErrorIs(t, <-ended, gone)
		l.ask("c")
		l.release("a")
		assert.Equal(t, []string{"a", "c"}, l.served())
		l.release("c")
		// Giving up and being served at one time.
		_, err := l.queue.Acquire(ctx, "b")
		if err == nil {
			return
		}
		l.ask("d")
		assert.Equal(t, []string{"d"}, l.served())
	})
}
