// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers"
	kubernetesfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/controllertest"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
)

// world is a server and a controller, in a bubble where time passes only when nothing else happens.
type world struct {
	*testing.T
	server   *controllertest.Server
	core     *kubernetesfake.Clientset
	recorder *record.FakeRecorder
	stop     func()
}

// inWorld runs test in a world whose controller runs.
func inWorld(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, server: controllertest.NewServer(t), core: kubernetesfake.NewClientset(), recorder: record.NewFakeRecorder(1000)}
		w.run()
		defer func() { w.stop() }()
		test(w)
	})
}

// run starts a new controller, with a cache of its own.
func (w *world) run() {
	w.Helper()
	informers := externalversions.NewSharedInformerFactory(w.server, 0)
	core := coreinformers.NewSharedInformerFactory(w.core, 0)
	c, err := New(Config{
		Client: w.server, Core: w.core.CoreV1(), Informers: informers, Claims: core.Core().V1().PersistentVolumeClaims(), Recorder: w.recorder,
	})
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(context.Background())
	informers.Start(ctx.Done())
	core.Start(ctx.Done())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx, 2) })
	w.stop = func() {
		cancel()
		running.Wait()
		informers.Shutdown()
		core.Shutdown()
	}
	w.after(time.Second)
}

// settled lets all that is to happen now happen.
func (w *world) settled() { synctest.Wait() }

// after lets time pass.
func (w *world) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (w *world) create(machine *kubevirtv1.VirtualMachine) {
	w.Helper()
	_, err := w.server.KubevirtV1().VirtualMachines(machine.Namespace).Create(w.Context(), machine, metav1.CreateOptions{})
	require.NoError(w, err)
	w.settled()
}

func (w *world) createInstance(instance *kubevirtv1.VirtualMachineInstance) {
	w.Helper()
	_, err := w.server.KubevirtV1().VirtualMachineInstances(instance.Namespace).Create(w.Context(), instance, metav1.CreateOptions{})
	require.NoError(w, err)
	w.settled()
}

func (w *world) delete(options metav1.DeleteOptions) {
	w.Helper()
	require.NoError(w, w.server.KubevirtV1().VirtualMachines("ns").Delete(w.Context(), "vm", options))
	w.settled()
}

func (w *world) edit(change func(*kubevirtv1.VirtualMachine)) {
	w.Helper()
	w.server.EditMachine("vm", change)
	w.settled()
}

// enters has the instance enter a phase, as its node's agent does.
func (w *world) enters(phase kubevirtv1.VirtualMachineInstancePhase) {
	w.Helper()
	w.server.EditInstance("vm", func(instance *kubevirtv1.VirtualMachineInstance) {
		instance.Status.SetPhase(phase, metav1.Now())
		ready := corev1.ConditionFalse
		if phase == kubevirtv1.Running {
			ready = corev1.ConditionTrue
		}
		instance.Status.SetCondition(kubevirtv1.VirtualMachineInstanceCondition{Type: kubevirtv1.VirtualMachineInstanceReady, Status: ready}, metav1.Now())
	})
	w.settled()
}

// ends removes the instance, as its node's agent does once the guest of a deleted instance has ended.
func (w *world) ends() {
	w.Helper()
	instance := w.server.Instance("vm")
	require.NotNil(w, instance)
	require.NotNil(w, instance.DeletionTimestamp)
	w.server.EditInstance("vm", controllertest.WithoutFinalizer)
	w.settled()
}

func (w *world) status() kubevirtv1.VirtualMachineStatus {
	w.Helper()
	machine := w.server.Machine("vm")
	require.NotNil(w, machine)
	return machine.Status
}

func (w *world) shows() kubevirtv1.VirtualMachinePrintableStatus {
	w.Helper()
	return w.status().PrintableStatus
}

func (w *world) events() []string {
	var events []string
	for {
		select {
		case event := <-w.recorder.Events:
			events = append(events, event)
		default:
			return events
		}
	}
}
