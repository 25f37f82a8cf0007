// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
	cdilisters "github.com/virt-apiserver/virt-apiserver/pkg/generated/listers/cdi/v1beta1"
	kubevirtlisters "github.com/virt-apiserver/virt-apiserver/pkg/generated/listers/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// claimIndex finds instances by the claims that they use.
const claimIndex = "virtualmachineinstance.claim"

// Config is what a Controller works with. All of it is needed.
type Config struct {
	Client versioned.Interface
	// Core is asked for Secrets and ConfigMaps, which are not kept, and for claims where the cache is not enough.
	Core corev1client.CoreV1Interface
	// Informers give the instances, the DataVolumes and the settings. Whoever made them starts them, after New.
	Informers externalversions.SharedInformerFactory
	// Claims is started by whoever made it, after New.
	Claims    coreinformers.PersistentVolumeClaimInformer
	Launchers workload.Launchers
	// Recorder tells of what was done to an instance.
	Recorder record.EventRecorder
}

// Controller is the control plane's control loop of VirtualMachineInstances. At most one may run in a
// cluster at a time.
type Controller struct {
	client       versioned.Interface
	core         corev1client.CoreV1Interface
	launchers    workload.Launchers
	recorder     record.EventRecorder
	instances    kubevirtlisters.VirtualMachineInstanceLister
	byClaim      cache.Indexer
	dataVolumes  cdilisters.DataVolumeLister
	kubevirts    kubevirtlisters.KubeVirtLister
	claims       corelisters.PersistentVolumeClaimLister
	synced       []cache.DoneChecker
	queue        *queue.Queue[cache.ObjectName]
	settle       controller.Settle
	reservations reservations
}

// New returns a controller that listens to config's informers.
func New(config Config) (*Controller, error) {
	instances := config.Informers.Kubevirt().V1().VirtualMachineInstances()
	dataVolumes := config.Informers.Cdi().V1beta1().DataVolumes()
	c := &Controller{
		client:      config.Client,
		core:        config.Core,
		launchers:   config.Launchers,
		recorder:    config.Recorder,
		instances:   instances.Lister(),
		byClaim:     instances.Informer().GetIndexer(),
		dataVolumes: dataVolumes.Lister(),
		kubevirts:   config.Informers.Kubevirt().V1().KubeVirts().Lister(),
		claims:      config.Claims.Lister(),
		queue:       queue.New[cache.ObjectName]("virtualmachineinstance"),
	}
	if err := instances.Informer().AddIndexers(cache.Indexers{claimIndex: indexByClaim}); err != nil {
		return nil, fmt.Errorf("index instances by claim: %w", err)
	}
	var err error
	c.synced, err = controller.Listen(
		controller.Listener{Informer: instances.Informer(), Handler: controller.OnChange(c.enqueue)},
		controller.Listener{Informer: instances.Informer(), Handler: cache.ResourceEventHandlerFuncs{UpdateFunc: c.tellStranded}},
		controller.Listener{Informer: dataVolumes.Informer(), Handler: controller.OnChange(func(dv *cdiv1.DataVolume) { c.enqueueUsers(dv) })},
		controller.Listener{Informer: config.Claims.Informer(), Handler: controller.OnChange(func(claim *corev1.PersistentVolumeClaim) { c.enqueueUsers(claim) })},
	)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Run works with so many workers until ctx ends, and returns when the last of them has.
func (c *Controller) Run(ctx context.Context, workers int) {
	// Where ctx ends first, the queue has to end, too.
	cache.WaitFor(ctx, "", c.synced...)
	c.queue.Run(ctx, workers, c.reconcile)
}

// enqueue has an instance looked at and, where it is ending, those that wait for its claims.
func (c *Controller) enqueue(instance *kubevirtv1.VirtualMachineInstance) {
	c.queue.Add(cache.MetaObjectToName(instance))
	if instance.IsFinal() || instance.DeletionTimestamp != nil {
		c.enqueueSharers(instance)
	}
}

func (c *Controller) enqueueSharers(instance *kubevirtv1.VirtualMachineInstance) {
	for _, name := range instance.Spec.ClaimNames() {
		for _, sharer := range c.usersOf(cache.NewObjectName(instance.Namespace, name)) {
			if sharer.Name != instance.Name {
				c.queue.Add(cache.MetaObjectToName(sharer))
			}
		}
	}
}

// enqueueUsers has the instances looked at that use a claim or DataVolume; both have one name.
func (c *Controller) enqueueUsers(obj metav1.Object) {
	for _, user := range c.usersOf(cache.MetaObjectToName(obj)) {
		c.queue.Add(cache.MetaObjectToName(user))
	}
}

func (c *Controller) usersOf(claim cache.ObjectName) []*kubevirtv1.VirtualMachineInstance {
	objects, err := c.byClaim.ByIndex(claimIndex, claim.String())
	if err != nil {
		return nil // there is such an index: New made it
	}
	users := make([]*kubevirtv1.VirtualMachineInstance, 0, len(objects))
	for _, object := range objects {
		users = append(users, object.(*kubevirtv1.VirtualMachineInstance))
	}
	return users
}

func indexByClaim(obj any) ([]string, error) {
	instance, ok := obj.(*kubevirtv1.VirtualMachineInstance)
	if !ok {
		return nil, fmt.Errorf("index %T by claim: not an instance", obj)
	}
	names := instance.UsedClaimNames()
	for i, name := range names {
		names[i] = cache.NewObjectName(instance.Namespace, name).String()
	}
	return names, nil
}
