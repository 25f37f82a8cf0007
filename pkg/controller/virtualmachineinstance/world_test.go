// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

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

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/controllertest"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// launchers places everything on "node", unless told otherwise.
type launchers struct {
	mu        sync.Mutex
	placement *workload.Placement
	err       error
	placed    []string
	released  []string
}

func (l *launchers) Place(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance) (workload.Placement, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return workload.Placement{}, l.err
	}
	if l.placement != nil {
		return *l.placement, nil
	}
	l.placed = append(l.placed, vmi.Name)
	return workload.Placement{NodeName: "node"}, nil
}

func (l *launchers) Release(_ context.Context, vmi *kubevirtv1.VirtualMachineInstance) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = append(l.released, vmi.Name)
	return nil
}

func (l *launchers) answer(placement *workload.Placement, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.placement, l.err = placement, err
}

func (l *launchers) have() (placed, released []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.placed, l.released
}

// world is a server and a controller, in a bubble where time passes only when nothing else happens.
type world struct {
	*testing.T
	server    *controllertest.Server
	core      *kubernetesfake.Clientset
	launchers *launchers
	recorder  *record.FakeRecorder
	stop      func()
}

// inWorld runs test in a world whose controller runs.
func inWorld(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			T: t, server: controllertest.NewServer(t), core: kubernetesfake.NewClientset(),
			launchers: &launchers{}, recorder: record.NewFakeRecorder(1000),
		}
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
		Client: w.server, Core: w.core.CoreV1(), Informers: informers,
		Claims: core.Core().V1().PersistentVolumeClaims(), Launchers: w.launchers, Recorder: w.recorder,
	})
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(context.Background())
	informers.Start(ctx.Done())
	core.Start(ctx.Done())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx, 4) })
	w.stop = func() {
		cancel()
		running.Wait()
		informers.Shutdown()
		core.Shutdown()
	}
	w.after(time.Second)
}

// after lets time pass.
func (w *world) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (w *world) create(objects ...any) {
	w.Helper()
	for _, object := range objects {
		var err error
		switch object := object.(type) {
		case *kubevirtv1.VirtualMachineInstance:
			_, err = w.server.KubevirtV1().VirtualMachineInstances("ns").Create(w.Context(), object, metav1.CreateOptions{})
		case *cdiv1.DataVolume:
			err = w.server.Tracker().Create(cdiv1.SchemeGroupVersion.WithResource("datavolumes"), object, "ns")
		case *corev1.PersistentVolumeClaim:
			_, err = w.core.CoreV1().PersistentVolumeClaims("ns").Create(w.Context(), object, metav1.CreateOptions{})
		case *corev1.Secret:
			_, err = w.core.CoreV1().Secrets("ns").Create(w.Context(), object, metav1.CreateOptions{})
		}
		require.NoError(w, err)
	}
	synctest.Wait()
}

func (w *world) delete(name string) {
	w.Helper()
	require.NoError(w, w.server.KubevirtV1().VirtualMachineInstances("ns").Delete(w.Context(), name, metav1.DeleteOptions{}))
	synctest.Wait()
}

func (w *world) enters(name string, phase kubevirtv1.VirtualMachineInstancePhase) {
	w.Helper()
	w.server.EditInstance(name, func(instance *kubevirtv1.VirtualMachineInstance) { instance.Status.SetPhase(phase, metav1.Now()) })
	synctest.Wait()
}

func (w *world) status(name string) *kubevirtv1.VirtualMachineInstanceStatus {
	w.Helper()
	instance := w.server.Instance(name)
	require.NotNil(w, instance)
	return &instance.Status
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
