// SPDX-License-Identifier: Apache-2.0

// Package namespace empties namespaces that are being deleted and then lets them go, as
// kube-controller-manager does on a cluster. It knows no kinds: what there is to delete, discovery says.
package namespace

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
)

const (
	workers = 2
	// latecomers is how long a namespace stays although it is empty: requests that were let in before it was
	// to be deleted may not have ended.
	latecomers = 2 * time.Second
	// Looked at again after a quarter of the time that its deletion has taken so far, within these bounds.
	soonest = 100 * time.Millisecond
	latest  = 15 * time.Second
)

// Config is what a Controller works with. The informer is not started before New returns.
type Config struct {
	Kube       kubernetes.Interface
	Metadata   metadata.Interface
	Namespaces coreinformers.NamespaceInformer
}

// Controller empties namespaces.
type Controller struct {
	kube       kubernetes.Interface
	metadata   metadata.Interface
	namespaces corelisters.NamespaceLister
	synced     cache.DoneChecker
	queue      *queue.Queue[string]
	now        func() time.Time
}

// New returns a controller; Run runs it.
func New(config Config) (*Controller, error) {
	c := &Controller{
		kube:       config.Kube,
		metadata:   config.Metadata,
		namespaces: config.Namespaces.Lister(),
		queue:      queue.New[string]("namespace"),
		now:        time.Now,
	}
	registration, err := config.Namespaces.Informer().AddEventHandler(controller.OnChange(c.enqueue))
	if err != nil {
		return nil, fmt.Errorf("watch namespaces: %w", err)
	}
	c.synced = registration.HasSyncedChecker()
	return c, nil
}

// Run runs the controller until ctx ends.
func (c *Controller) Run(ctx context.Context) {
	if cache.WaitFor(ctx, "", c.synced) {
		c.queue.Run(ctx, workers, c.reconcile)
	}
}

func (c *Controller) enqueue(namespace *corev1.Namespace) {
	if namespace.DeletionTimestamp != nil {
		c.queue.Add(namespace.Name)
	}
}

func (c *Controller) reconcile(ctx context.Context, name string) (again time.Duration, err error) {
	namespace, err := c.namespaces.Get(name)
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if namespace.DeletionTimestamp == nil || !slices.Contains(namespace.Spec.Finalizers, corev1.FinalizerKubernetes) {
		return 0, nil
	}
	found := c.empty(ctx, name)
	taken := c.now().Sub(namespace.DeletionTimestamp.Time)
	switch {
	case !found.isEmpty():
		return min(max(taken/4, soonest), latest), c.report(ctx, namespace, found)
	case taken < latecomers:
		return latecomers - taken, nil
	}
	return 0, c.finalize(ctx, namespace)
}

// finalize ends the namespace, unless somebody else holds it too.
func (c *Controller) finalize(ctx context.Context, namespace *corev1.Namespace) error {
	finalized := namespace.DeepCopy()
	finalized.Spec.Finalizers = slices.DeleteFunc(finalized.Spec.Finalizers, func(f corev1.FinalizerName) bool {
		return f == corev1.FinalizerKubernetes
	})
	_, err := c.kube.CoreV1().Namespaces().Finalize(ctx, finalized, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("finalize: %w", err)
	}
	return nil
}
