// SPDX-License-Identifier: Apache-2.0

package clone

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
	cdilisters "github.com/virt-apiserver/virt-apiserver/pkg/generated/listers/cdi/v1beta1"
	clonelisters "github.com/virt-apiserver/virt-apiserver/pkg/generated/listers/clone/v1beta1"
	kubevirtlisters "github.com/virt-apiserver/virt-apiserver/pkg/generated/listers/kubevirt/v1"
)

// machineIndex finds clones by the machines that they clone and make.
const machineIndex = "clone.machine"

// Config is what a Controller works with. All of it is needed. Whoever made the informers starts them, after New.
type Config struct {
	Client versioned.Interface
	// Core is asked for claims where the cache is not enough.
	Core corev1client.PersistentVolumeClaimsGetter
	// Informers give the clones, the machines, the instances and the DataVolumes.
	Informers externalversions.SharedInformerFactory
	// Recorder tells of what happens to a clone.
	Recorder record.EventRecorder
}

// Controller is the control loop of clones. At most one may run in a cluster at a time.
type Controller struct {
	client    versioned.Interface
	core      corev1client.PersistentVolumeClaimsGetter
	recorder  record.EventRecorder
	clones    clonelisters.VirtualMachineCloneLister
	byMachine cache.Indexer
	machines  kubevirtlisters.VirtualMachineLister
	instances kubevirtlisters.VirtualMachineInstanceLister
	volumes   cdilisters.DataVolumeLister
	synced    []cache.DoneChecker
	queue     *queue.Queue[cache.ObjectName]
}

// New returns a controller that listens to config's informers.
func New(config Config) (*Controller, error) {
	clones := config.Informers.Clone().V1beta1().VirtualMachineClones()
	machines := config.Informers.Kubevirt().V1().VirtualMachines()
	instances := config.Informers.Kubevirt().V1().VirtualMachineInstances()
	volumes := config.Informers.Cdi().V1beta1().DataVolumes()
	c := &Controller{
		client:    config.Client,
		core:      config.Core,
		recorder:  config.Recorder,
		clones:    clones.Lister(),
		byMachine: clones.Informer().GetIndexer(),
		machines:  machines.Lister(),
		instances: instances.Lister(),
		volumes:   volumes.Lister(),
		queue:     queue.New[cache.ObjectName]("clone"),
	}
	if err := clones.Informer().AddIndexers(cache.Indexers{machineIndex: indexByMachine}); err != nil {
		return nil, fmt.Errorf("index clones by machine: %w", err)
	}
	var err error
	c.synced, err = controller.Listen(
		controller.Listener{Informer: clones.Informer(), Handler: controller.OnChange(func(clone *clonev1.VirtualMachineClone) { c.queue.Add(cache.MetaObjectToName(clone)) })},
		controller.Listener{Informer: machines.Informer(), Handler: controller.OnChange(func(vm *kubevirtv1.VirtualMachine) { c.enqueueOf(vm.Namespace, vm.Name) })},
		// An instance has its machine's name.
		controller.Listener{Informer: instances.Informer(), Handler: controller.OnChange(func(vmi *kubevirtv1.VirtualMachineInstance) { c.enqueueOf(vmi.Namespace, vmi.Name) })},
		controller.Listener{Informer: volumes.Informer(), Handler: controller.OnChange(c.enqueueOwner)},
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

// enqueueOf has the clones looked at that clone or made the machine.
func (c *Controller) enqueueOf(namespace, machine string) {
	clones, err := c.byMachine.ByIndex(machineIndex, cache.NewObjectName(namespace, machine).String())
	if err != nil {
		return // there is such an index: New made it
	}
	for _, clone := range clones {
		c.queue.Add(cache.MetaObjectToName(clone.(*clonev1.VirtualMachineClone)))
	}
}

func (c *Controller) enqueueOwner(dv *cdiv1.DataVolume) {
	if owner := metav1.GetControllerOf(dv); owner != nil {
		c.enqueueOf(dv.Namespace, owner.Name)
	}
}

func indexByMachine(obj any) ([]string, error) {
	clone, ok := obj.(*clonev1.VirtualMachineClone)
	if !ok {
		return nil, fmt.Errorf("index %T by machine: not a clone", obj)
	}
	names := []string{cache.NewObjectName(clone.Namespace, clone.TargetName()).String()}
	if source := clone.Spec.Source; source != nil {
		names = append(names, cache.NewObjectName(clone.Namespace, source.Name).String())
	}
	return names, nil
}
