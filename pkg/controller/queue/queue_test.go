// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestQueueCallsAgain(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "things"}, "a", errors.New("changed"))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		q := New[string]("test")
		var times []time.Duration
		start := time.Now()
		q.Add("a")
		q.Run(ctx, 2, func(_ context.Context, key string) (time.Duration, error) {
			assert.Equal(t, "a", key)
			times = append(times, time.Since(start))
			switch len(times) {
			case 1:
				return time.Hour, errors.New("broken")
			case 2:
				return 0, conflict
			case 3:
				return time.Minute, nil
			}
			cancel()
			return 0, nil
		})
		assert.Equal(t, []time.Duration{0, firstRetry, 3 * firstRetry, time.Minute + 3*firstRetry}, times)
	})
}

func TestQueueEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := New[int]("test")
	q.Add(1)
	q.Run(ctx, 1, func(context.Context, int) (time.Duration, error) {
		t.Error("reconciled after the end")
		return 0, nil
	})
}
