// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/queue"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
	kubevirtlisters "github.com/virt-apiserver/virt-apiserver/pkg/generated/listers/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// brokenAnnotation on an instance has its guest fail to start.
const brokenAnnotation = "test/broken"

// launchers places every instance on the only node there is.
type launchers struct{}

func (launchers) Place(context.Context, *kubevirtv1.VirtualMachineInstance) (workload.Placement, error) {
	return workload.Placement{NodeName: "node"}, nil
}

func (launchers) Release(context.Context, *kubevirtv1.VirtualMachineInstance) error { return nil }

// node stands in for the agent: guests start and end at once.
type node struct {
	virt      versioned.Interface
	instances kubevirtlisters.VirtualMachineInstanceLister
	queue     *queue.Queue[cache.ObjectName]
}

func newNode(virt versioned.Interface, informers externalversions.SharedInformerFactory) (*node, error) {
	instances := informers.Kubevirt().V1().VirtualMachineInstances()
	n := &node{virt: virt, instances: instances.Lister(), queue: queue.New[cache.ObjectName]("node")}
	_, err := instances.Informer().AddEventHandler(controller.OnChange(func(vmi *kubevirtv1.VirtualMachineInstance) {
		n.queue.Add(cache.MetaObjectToName(vmi))
	}))
	return n, err
}

func (n *node) Run(ctx context.Context, workers int) { n.queue.Run(ctx, workers, n.reconcile) }

func (n *node) reconcile(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	vmi, err := n.instances.VirtualMachineInstances(key.Namespace).Get(key.Name)
	if err != nil || !vmi.IsScheduled() {
		return 0, nil
	}
	client := n.virt.KubevirtV1().VirtualMachineInstances(key.Namespace)
	update := vmi.DeepCopy()
	switch {
	case vmi.DeletionTimestamp != nil:
		enter(&update.Status, kubevirtv1.Succeeded)
		_, err = client.UpdateStatus(ctx, update, metav1.UpdateOptions{})
	case vmi.Status.Phase == kubevirtv1.Scheduled:
		enter(&update.Status, kubevirtv1.Running)
		if vmi.Annotations[brokenAnnotation] != "" {
			update = vmi.DeepCopy()
			enter(&update.Status, kubevirtv1.Failed)
		}
		_, err = client.UpdateStatus(ctx, update, metav1.UpdateOptions{})
	}
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	return 0, err
}

// enter has a guest enter a phase, with what an agent tells of it.
func enter(status *kubevirtv1.VirtualMachineInstanceStatus, phase kubevirtv1.VirtualMachineInstancePhase) {
	ready := corev1.ConditionFalse
	if phase == kubevirtv1.Running {
		ready = corev1.ConditionTrue
	}
	status.SetPhase(phase, metav1.Now())
	status.SetCondition(kubevirtv1.VirtualMachineInstanceCondition{Type: kubevirtv1.VirtualMachineInstanceReady, Status: ready}, metav1.Now())
}
