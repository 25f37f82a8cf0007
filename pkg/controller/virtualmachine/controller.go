// SPDX-License-Identifier: Apache-2.0

package virtualmachine

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
)

// claimIndex finds machines by the claims that they use or make.
const claimIndex = "virtualmachine.claim"

// Config is what a Controller works with. All of it is needed.
type Config struct {
	Client versioned.Interface
	// Core is asked for claims where the cache is not enough.
	Core corev1client.PersistentVolumeClaimsGetter
	// Informers give the machines, the instances and the DataVolumes. Whoever made them starts them, after New.
	Informers externalversions.SharedInformerFactory
	// Claims is started by whoever made it, after New.
	Claims coreinformers.PersistentVolumeClaimInformer
	// Recorder tells of what was done to a machine.
	Recorder record.EventRecorder
}

// Controller is the control loop of VirtualMachines. At most one may run in a cluster at a time.
type Controller struct {
	client      versioned.Interface
	core        corev1client.PersistentVolumeClaimsGetter
	recorder    record.EventRecorder
	machines    kubevirtlisters.VirtualMachineLister
	byClaim     cache.Indexer
	instances   kubevirtlisters.VirtualMachineInstanceLister
	dataVolumes cdilisters.DataVolumeLister
	claims      corelisters.PersistentVolumeClaimLister
	synced      []cache.DoneChecker
	queue       *queue.Queue[cache.ObjectName]
	settle      controller.Settle
}

// New returns a controller that listens to config's informers.
func New(config Config) (*Controller, error) {
	machines := config.Informers.Kubevirt().V1().VirtualMachines()
	instances := config.Informers.Kubevirt().V1().VirtualMachineInstances()
	dataVolumes := config.Informers.Cdi().V1beta1().DataVolumes()
	c := &Controller{
		client:      config.Client,
		core:        config.Core,
		recorder:    config.Recorder,
		machines:    machines.Lister(),
		byClaim:     machines.Informer().GetIndexer(),
		instances:   instances.Lister(),
		dataVolumes: dataVolumes.Lister(),
		claims:      config.Claims.Lister(),
		queue:       queue.New[cache.ObjectName]("virtualmachine"),
	}
	if err := machines.Informer().AddIndexers(cache.Indexers{claimIndex: indexByClaim}); err != nil {
		return nil, fmt.Errorf("index virtual machines by claim: %w", err)
	}
	// An instance has its machine's name, also one that is in the way of it.
	enqueue := func(obj metav1.Object) { c.queue.Add(cache.MetaObjectToName(obj)) }
	var err error
	c.synced, err = controller.Listen(
		controller.Listener{Informer: machines.Informer(), Handler: controller.OnChange(func(vm *kubevirtv1.VirtualMachine) { enqueue(vm) })},
		controller.Listener{Informer: instances.Informer(), Handler: controller.OnChange(func(vmi *kubevirtv1.VirtualMachineInstance) { enqueue(vmi) })},
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

// enqueueUsers has the machines looked at that use a claim or DataVolume; both have one name.
func (c *Controller) enqueueUsers(obj metav1.Object) {
	users, err := c.byClaim.ByIndex(claimIndex, cache.MetaObjectToName(obj).String())
	if err != nil {
		return // there is such an index: New made it
	}
	for _, user := range users {
		c.queue.Add(cache.MetaObjectToName(user.(*kubevirtv1.VirtualMachine)))
	}
}

func indexByClaim(obj any) ([]string, error) {
	machine, ok := obj.(*kubevirtv1.VirtualMachine)
	if !ok {
		return nil, fmt.Errorf("index %T by claim: not a virtual machine", obj)
	}
	names := claimNames(machine)
	for i, name := range names {
		names[i] = cache.NewObjectName(machine.Namespace, name).String()
	}
	return names, nil
}
