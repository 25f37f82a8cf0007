// SPDX-License-Identifier: Apache-2.0

// Package queue runs the reconcile function of a control loop: one call for each key at a time, errors
// retried with back-off. What is reconciled is not here.
package queue

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

const (
	firstRetry = 10 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// Reconcile brings what key names to its wanted state. It is called again after the returned duration,
// unless that is zero, and soon after an error.
type Reconcile[K comparable] func(ctx context.Context, key K) (again time.Duration, err error)

// Queue holds the keys that are to be reconciled.
type Queue[K comparable] struct {
	name  string
	items workqueue.TypedRateLimitingInterface[K]
}

// New returns a queue; name is that of the control loop, in logs and metrics.
func New[K comparable](name string) *Queue[K] {
	return &Queue[K]{
		name: name,
		items: workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.NewTypedItemExponentialFailureRateLimiter[K](firstRetry, lastRetry),
			workqueue.TypedRateLimitingQueueConfig[K]{Name: name}),
	}
}

// Add has key reconciled soon. It does not block.
func (q *Queue[K]) Add(key K) { q.items.Add(key) }

// Run reconciles with so many workers until ctx ends, and returns when the last of them has. A queue runs once.
func (q *Queue[K]) Run(ctx context.Context, workers int, reconcile Reconcile[K]) {
	ctx = klog.NewContext(ctx, klog.LoggerWithName(klog.FromContext(ctx), q.name))
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for q.next(ctx, reconcile) {
			}
		})
	}
	<-ctx.Done()
	q.items.ShutDown()
	running.Wait()
}

func (q *Queue[K]) next(ctx context.Context, reconcile Reconcile[K]) bool {
	key, shutdown := q.items.Get()
	if shutdown {
		return false
	}
	defer q.items.Done(key)
	if ctx.Err() != nil {
		return false
	}
	logger := klog.LoggerWithValues(klog.FromContext(ctx), "key", key)
	again, err := reconcile(klog.NewContext(ctx, logger), key)
	switch {
	case err == nil:
		q.items.Forget(key)
	case ctx.Err() != nil:
		// The end cut it short, and nothing is tried again.
		return false
	case apierrors.IsConflict(err):
		// Somebody else wrote first: the usual case of an old cache.
		logger.V(4).Info("Trying again", "err", err)
		q.items.AddRateLimited(key)
		return true
	default:
		logger.Error(err, "Reconcile failed, trying again")
		q.items.AddRateLimited(key)
		return true
	}
	if again > 0 {
		q.items.AddAfter(key, again)
	}
	return true
}
