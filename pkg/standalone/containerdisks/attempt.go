// SPDX-License-Identifier: Apache-2.0

package containerdisks

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// maxBackoff is the longest wait between two attempts, as kubelet's.
const maxBackoff = 5 * time.Minute

// failureShown is how long, at most, an attempt is told to have failed before the next is told to be put off. As
// kubelet's, the two take turns for as long as the image can't be pulled.
const failureShown = 10 * time.Second

type attemptKey struct {
	instance types.NamespacedName
	uid      types.UID
	// purpose is what the instance needs the files for.
	purpose string
}

// attempt is what was done so far about what an instance needs of one image.
type attempt struct {
	stop    context.CancelFunc
	running bool
	// entries are the files, once they are there.
	entries []string
	// failures in a row, of which err is the last.
	failures int
	err      error
	retryAt  time.Time
	// shownUntil is when err stops being news.
	shownUntil time.Time
}

// Ensure implements workload.ContainerDisks.
func (c *Cache) Ensure(_ context.Context, files workload.ContainerFiles) ([]string, error) {
	if err := c.lifetime.Err(); err != nil {
		return nil, err
	}
	key := attemptKey{files.Instance, files.UID, files.For}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.attempts[key]
	if a == nil {
		a = &attempt{}
		c.attempts[key] = a
	}
	if len(a.entries) > 0 {
		if paths := c.paths(a.entries); paths != nil {
			return paths, nil
		}
		a.entries = nil // they were not fetched for so long that one was removed
	}
	if !a.running && !time.Now().Before(a.retryAt) {
		c.start(key, a, files)
	}
	if a.failures == 0 {
		return nil, workload.ErrPulling
	}
	return nil, a.failure(files.Source.Image, time.Now())
}

// start begins an attempt; the caller holds mu.
func (c *Cache) start(key attemptKey, a *attempt, files workload.ContainerFiles) {
	ctx, stop := context.WithCancel(c.lifetime)
	a.running, a.stop = true, stop
	c.running.Go(func() {
		defer stop()
		entries, err := c.pull(ctx, files)
		if ctx.Err() != nil {
			return // forgotten, or over
		}
		c.ended(key, a, entries, err)
	})
}

func (c *Cache) ended(key attemptKey, a *attempt, entries []string, err error) {
	c.mu.Lock()
	if c.attempts[key] != a {
		c.mu.Unlock()
		return
	}
	a.running, a.entries, a.err = false, entries, err
	if err != nil {
		wait := min(c.config.Backoff<<min(a.failures, 10), maxBackoff)
		a.failures++
		shown := min(wait/2, failureShown)
		a.shownUntil, a.retryAt = time.Now().Add(shown), time.Now().Add(wait)
		c.notifyIn(shown, key.instance)
		c.notifyIn(wait, key.instance)
		klog.FromContext(c.lifetime).Info("An image could not be pulled", "instance", key.instance, "purpose", key.purpose, "failures", a.failures, "err", err)
	}
	c.mu.Unlock()
	c.notify(key.instance)
}

func (c *Cache) notifyIn(wait time.Duration, instance types.NamespacedName) {
	timer := time.AfterFunc(wait, func() { c.notify(instance) })
	context.AfterFunc(c.lifetime, func() { timer.Stop() })
}

// failure is what the user is told: that an attempt failed, then that the next is put off.
func (a *attempt) failure(image string, now time.Time) *workload.PullError {
	if now.Before(a.shownUntil) {
		return &workload.PullError{
			Reason:  kubevirtv1.ReasonErrImagePull,
			Message: fmt.Sprintf("failed to pull image %q: %v", image, a.err),
		}
	}
	return &workload.PullError{
		Reason:  kubevirtv1.ReasonImagePullBackOff,
		Message: fmt.Sprintf("Back-off pulling image %q: %v", image, a.err),
	}
}

// Forget implements workload.ContainerDisks.
func (c *Cache) Forget(instance types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, a := range c.attempts {
		if key.instance != instance {
			continue
		}
		if a.running {
			a.stop()
		}
		delete(c.attempts, key)
	}
}
