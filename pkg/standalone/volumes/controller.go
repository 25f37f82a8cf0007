// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	storageinformers "k8s.io/client-go/informers/storage/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	kubevirtinformers "github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions/kubevirt/v1"
)

// Config is what a Controller works with. The informers are not started before NewController returns.
type Config struct {
	Core      kubernetes.Interface
	Virt      versioned.Interface
	Claims    coreinformers.PersistentVolumeClaimInformer
	Classes   storageinformers.StorageClassInformer
	Instances kubevirtinformers.VirtualMachineInstanceInformer
	Recorder  record.EventRecorder
	Store     *Store
}

// Controller binds, expands and removes the claims of the local storage class.
type Controller struct {
	core      kubernetes.Interface
	virt      versioned.Interface
	claims    corelisters.PersistentVolumeClaimLister
	classes   storagelisters.StorageClassLister
	instances cache.Indexer
	synced    []cache.DoneChecker
	recorder  record.EventRecorder
	store     *Store
	queue     *queue.Queue[claimKey]
	// binding is held while a claim gets a device that no other may have.
	binding sync.Mutex
}

// claimKey is one claim, also when it is gone and another has its name.
type claimKey struct {
	types.NamespacedName
	UID types.UID
}

// NewController returns a controller; Run runs it.
func NewController(config Config) (*Controller, error) {
	c := &Controller{
		core:      config.Core,
		virt:      config.Virt,
		claims:    config.Claims.Lister(),
		classes:   config.Classes.Lister(),
		instances: config.Instances.Informer().GetIndexer(),
		recorder:  config.Recorder,
		store:     config.Store,
		queue:     queue.New[claimKey]("local-volumes"),
	}
	c.store.writer = c.writerNow
	if err := config.Instances.Informer().AddIndexers(cache.Indexers{usersIndex: indexUsers}); err != nil {
		return nil, fmt.Errorf("index instances by claim: %w", err)
	}
	var err error
	c.synced, err = controller.Listen(
		controller.Listener{Informer: config.Claims.Informer(), Handler: replaced{controller.OnChange(c.enqueueClaim), c.enqueueClaim}},
		controller.Listener{Informer: config.Instances.Informer(), Handler: controller.OnChange(c.enqueueUsed)},
		controller.Listener{Informer: config.Classes.Informer(), Handler: controller.OnChange(c.enqueueUnbound)},
	)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Run runs the controller until ctx ends.
func (c *Controller) Run(ctx context.Context, workers int) {
	if !cache.WaitFor(ctx, "", c.synced...) {
		return
	}
	var sweeping sync.WaitGroup
	sweeping.Go(func() { c.sweep(ctx) })
	c.queue.Run(ctx, workers, c.reconcile)
	sweeping.Wait()
}

func (c *Controller) reconcile(ctx context.Context, key claimKey) (time.Duration, error) {
	claim, err := c.claims.PersistentVolumeClaims(key.Namespace).Get(key.Name)
	switch {
	case apierrors.IsNotFound(err):
		return 0, c.reclaim(ctx, key)
	case err != nil:
		return 0, err
	case claim.UID != key.UID:
		return 0, c.reclaim(ctx, key)
	}
	switch {
	case claim.DeletionTimestamp != nil:
		return 0, c.release(ctx, claim)
	case claim.Status.Phase != corev1.ClaimBound:
		return 0, c.bind(ctx, claim)
	case takesDevice(claim):
		return 0, c.followDevice(ctx, claim)
	case claim.Spec.VolumeName == volumeName(claim):
		return 0, c.expand(ctx, claim)
	}
	return 0, nil
}

func (c *Controller) enqueueClaim(claim *corev1.PersistentVolumeClaim) {
	c.queue.Add(claimKey{types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}, claim.UID})
}

// replaced also looks at the claim as it was: a watch that was interrupted shows a claim that was deleted
// and made anew as one that changed.
type replaced struct {
	cache.ResourceEventHandler
	enqueue func(*corev1.PersistentVolumeClaim)
}

func (r replaced) OnUpdate(old, obj any) {
	if was, ok := old.(*corev1.PersistentVolumeClaim); ok {
		r.enqueue(was)
	}
	r.ResourceEventHandler.OnUpdate(old, obj)
}
