// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	storageinformers "k8s.io/client-go/informers/storage/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	cdiinformers "github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions/cdi/v1beta1"
	cdilisters "github.com/virt-apiserver/virt-apiserver/pkg/generated/listers/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// Config is what a Controller works with. All of it is needed. Whoever made the informers starts them, after New.
type Config struct {
	Client versioned.Interface
	// Core makes claims, and reads Secrets and ConfigMaps.
	Core        kubernetes.Interface
	DataVolumes cdiinformers.DataVolumeInformer
	Claims      coreinformers.PersistentVolumeClaimInformer
	Classes     storageinformers.StorageClassInformer
	Importers   workload.Importers
	// Recorder tells of what happens to a DataVolume.
	Recorder record.EventRecorder
}

// Controller is the control loop of DataVolumes. At most one may run in a cluster at a time.
type Controller struct {
	client    versioned.Interface
	core      kubernetes.Interface
	importers workload.Importers
	recorder  record.EventRecorder
	volumes   cdilisters.DataVolumeLister
	bySource  cache.Indexer
	claims    corelisters.PersistentVolumeClaimLister
	classes   storagelisters.StorageClassLister
	synced    []cache.DoneChecker
	queue     *queue.Queue[cache.ObjectName]
	settle    controller.Settle
}

// New returns a controller that listens to config's informers and importers.
func New(config Config) (*Controller, error) {
	c := &Controller{
		client:    config.Client,
		core:      config.Core,
		importers: config.Importers,
		recorder:  config.Recorder,
		volumes:   config.DataVolumes.Lister(),
		bySource:  config.DataVolumes.Informer().GetIndexer(),
		claims:    config.Claims.Lister(),
		classes:   config.Classes.Lister(),
		queue:     queue.New[cache.ObjectName]("datavolume"),
	}
	if err := config.DataVolumes.Informer().AddIndexers(cache.Indexers{sourceIndex: indexBySource}); err != nil {
		return nil, fmt.Errorf("index DataVolumes by source: %w", err)
	}
	var err error
	c.synced, err = controller.Listen(
		controller.Listener{Informer: config.DataVolumes.Informer(), Handler: controller.OnChange(func(dv *cdiv1.DataVolume) { c.enqueue(dv) })},
		controller.Listener{Informer: config.Claims.Informer(), Handler: controller.OnChange(func(claim *corev1.PersistentVolumeClaim) { c.enqueue(claim) })},
		controller.Listener{Informer: config.Classes.Informer(), Handler: controller.OnChange(func(*storagev1.StorageClass) { c.enqueueUnbound() })},
	)
	if err != nil {
		return nil, err
	}
	config.Importers.OnChange(func(claim types.NamespacedName) {
		c.queue.Add(cache.NewObjectName(claim.Namespace, claim.Name))
	})
	return c, nil
}

// Run works with so many workers until ctx ends, and returns when the last of them has.
func (c *Controller) Run(ctx context.Context, workers int) {
	if !cache.WaitFor(ctx, "", c.synced...) {
		return
	}
	c.queue.Run(ctx, workers, c.reconcile)
}

// enqueue has a DataVolume looked at, given it or its claim, and those that copy it.
func (c *Controller) enqueue(obj metav1.Object) {
	c.queue.Add(cache.MetaObjectToName(obj))
	c.enqueueCopies(obj)
}

// enqueueUnbound has the DataVolumes looked at that may wait for a class.
func (c *Controller) enqueueUnbound() {
	volumes, err := c.volumes.List(labels.Everything())
	if err != nil {
		return // a lister of a cache has no error to return
	}
	for _, dv := range volumes {
		switch dv.Status.Phase {
		case cdiv1.PhaseUnset, cdiv1.Pending, cdiv1.WaitForFirstConsumer:
			c.queue.Add(cache.MetaObjectToName(dv))
		}
	}
}
