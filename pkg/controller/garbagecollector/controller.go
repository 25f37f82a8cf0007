// SPDX-License-Identifier: Apache-2.0

package garbagecollector

import (
	"context"
	"slices"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
)

const (
	workers        = 4
	discoveryRetry = time.Second
)

// Config is what a Controller works with.
type Config struct {
	Discovery discovery.DiscoveryInterface
	Metadata  metadata.Interface
	// Ignored are resources whose objects are neither watched nor collected.
	Ignored []schema.GroupResource
}

// DefaultIgnored are events: they are many, own nothing and soon go by themselves.
func DefaultIgnored() []schema.GroupResource {
	return []schema.GroupResource{{Resource: "events"}, {Group: "events.k8s.io", Resource: "events"}}
}

// Controller collects garbage.
type Controller struct {
	config Config
	queue  *queue.Queue[key]

	// Set before the queue runs, and not changed afterwards.
	kinds    map[schema.GroupKind]resource
	monitors monitors
}

// New returns a controller; Run runs it.
func New(config Config) *Controller {
	return &Controller{config: config, queue: queue.New[key]("garbage-collector"), monitors: monitors{}}
}

// Run discovers what there is and collects garbage of it until ctx ends, and then returns nil. Kinds that come
// later are not seen: it is for a server whose kinds are its own.
func (c *Controller) Run(ctx context.Context) error {
	if err := c.discover(ctx); err != nil {
		return nil
	}
	var running wait.Group
	synced, err := c.watch(ctx, &running)
	if err != nil {
		return err
	}
	defer running.Wait()
	if cache.WaitFor(ctx, "", synced...) {
		c.queue.Run(ctx, workers, c.reconcile)
	}
	return nil
}

// discover tries until it succeeds; it fails if ctx ends.
func (c *Controller) discover(ctx context.Context) error {
	return wait.PollUntilContextCancel(ctx, discoveryRetry, true, func(ctx context.Context) (bool, error) {
		kinds, err := discover(c.config.Discovery, c.config.Ignored)
		if err != nil {
			klog.FromContext(ctx).Error(err, "Garbage is not collected yet")
			return false, nil
		}
		c.kinds = kinds
		return true, nil
	})
}

// watch starts a monitor of each resource that is collected.
func (c *Controller) watch(ctx context.Context, running *wait.Group) (synced []cache.DoneChecker, err error) {
	for _, resource := range c.kinds {
		if !resource.collected {
			continue
		}
		informer, err := watch(c.config.Metadata, resource.GroupVersionResource)
		if err != nil {
			return nil, err
		}
		registration, err := informer.AddEventHandler(c.handler(resource.GroupVersionResource))
		if err != nil {
			return nil, err
		}
		c.monitors[resource.GroupVersionResource] = informer
		synced = append(synced, registration.HasSyncedChecker())
	}
	// Handlers look at all monitors: they are all there before the first one runs.
	for _, informer := range c.monitors {
		running.StartWithContext(ctx, informer.RunWithContext)
	}
	return synced, nil
}

func (c *Controller) handler(resource schema.GroupVersionResource) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if o, ok := obj.(*object); ok {
				c.changed(resource, o)
			}
		},
		UpdateFunc: func(before, obj any) {
			was, ok := before.(*object)
			o, isObject := obj.(*object)
			if !ok || !isObject {
				return
			}
			if was.UID != o.UID {
				c.gone(was)
			}
			if concerns(was, o) {
				c.changed(resource, o)
				c.wakeOwners(was)
			}
		},
		DeleteFunc: func(obj any) {
			if tombstone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = tombstone.Obj
			}
			if o, ok := obj.(*object); ok {
				c.gone(o)
			}
		},
	}
}

// concerns reports whether the collector may have to act on a change: most are of other fields.
func concerns(was, o *object) bool {
	return was.UID != o.UID ||
		(was.DeletionTimestamp == nil) != (o.DeletionTimestamp == nil) ||
		!slices.Equal(was.Finalizers, o.Finalizers) ||
		!apiequality.Semantic.DeepEqual(was.OwnerReferences, o.OwnerReferences)
}

func (c *Controller) changed(resource schema.GroupVersionResource, o *object) {
	if len(o.OwnerReferences) > 0 || o.DeletionTimestamp != nil {
		c.queue.Add(keyOf(resource, o))
	}
	c.wakeOwners(o)
}

// gone looks at what an object owned, and at who waited for it to go.
func (c *Controller) gone(o *object) {
	for _, dependent := range c.monitors.dependents(o.UID) {
		c.queue.Add(dependent.key)
	}
	c.wakeOwners(o)
}

// wakeOwners looks at the owners of o that wait for it.
func (c *Controller) wakeOwners(o *object) {
	for _, reference := range o.OwnerReferences {
		k, ok := c.ownerKey(o, reference)
		if !ok {
			continue
		}
		if owner := c.monitors.get(k); owner != nil && waits(owner, metav1.FinalizerDeleteDependents) {
			c.queue.Add(k)
		}
	}
}
