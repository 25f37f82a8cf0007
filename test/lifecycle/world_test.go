// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	coreinformers "k8s.io/client-go/informers"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/virtualmachine"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/virtualmachineinstance"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
)

const soon = 2 * time.Minute

// world is a namespace with control loops and a node of its own.
type world struct {
	*testing.T
	virt      versioned.Interface
	namespace string
	stop      func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	virt, err := versioned.NewForConfig(server.Admin)
	require.NoError(t, err)
	namespace, err := server.Kube.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "lifecycle-"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	w := &world{T: t, virt: virt, namespace: namespace.Name}
	w.run()
	t.Cleanup(func() { w.stop() })
	return w
}

// run starts new loops, with caches of their own.
func (w *world) run() {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	informers := externalversions.NewSharedInformerFactoryWithOptions(w.virt, 0, externalversions.WithNamespace(w.namespace))
	core := coreinformers.NewSharedInformerFactoryWithOptions(server.Kube, 0, coreinformers.WithNamespace(w.namespace))
	claims := core.Core().V1().PersistentVolumeClaims()
	recorder := controller.NewRecorder(ctx, server.Kube.CoreV1(), "test")
	machines, err := virtualmachine.New(virtualmachine.Config{Client: w.virt, Core: server.Kube.CoreV1(), Informers: informers, Claims: claims, Recorder: recorder})
	require.NoError(w, err)
	instances, err := virtualmachineinstance.New(virtualmachineinstance.Config{
		Client: w.virt, Core: server.Kube.CoreV1(), Informers: informers, Claims: claims, Launchers: launchers{}, Recorder: recorder,
	})
	require.NoError(w, err)
	node, err := newNode(w.virt, informers)
	require.NoError(w, err)
	informers.Start(ctx.Done())
	core.Start(ctx.Done())
	var running sync.WaitGroup
	for _, run := range []func(context.Context, int){machines.Run, instances.Run, node.Run} {
		running.Go(func() { run(ctx, 4) })
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		informers.Shutdown()
		core.Shutdown()
	})
}

func newMachine(name string, strategy kubevirtv1.VirtualMachineRunStrategy) *kubevirtv1.VirtualMachine {
	return &kubevirtv1.VirtualMachine{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: kubevirtv1.VirtualMachineSpec{
			RunStrategy: ptr.To(strategy),
			Template: &kubevirtv1.VirtualMachineInstanceTemplateSpec{Spec: kubevirtv1.VirtualMachineInstanceSpec{
				Domain: kubevirtv1.DomainSpec{Resources: &kubevirtv1.ResourceRequirements{
					Requests: verbatim.ResourceList{corev1.ResourceMemory: verbatim.MustParse("1024Mi"), corev1.ResourceCPU: verbatim.MustParse("2")},
				}},
				Volumes: []kubevirtv1.Volume{{Name: "empty", VolumeSource: kubevirtv1.VolumeSource{
					EmptyDisk: &kubevirtv1.EmptyDiskSource{Capacity: verbatim.MustParse("1.5Gi")},
				}}},
			}},
		},
	}
}

func (w *world) create(machine *kubevirtv1.VirtualMachine) *kubevirtv1.VirtualMachine {
	w.Helper()
	created, err := w.virt.KubevirtV1().VirtualMachines(w.namespace).Create(w.Context(), machine, metav1.CreateOptions{})
	require.NoError(w, err)
	return created
}

func (w *world) machine(name string) *kubevirtv1.VirtualMachine {
	w.Helper()
	machine, err := w.virt.KubevirtV1().VirtualMachines(w.namespace).Get(w.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(w, err)
	return machine
}

func (w *world) instance(name string) *kubevirtv1.VirtualMachineInstance {
	w.Helper()
	instance, err := w.virt.KubevirtV1().VirtualMachineInstances(w.namespace).Get(w.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(w, err)
	return instance
}

// until waits for a machine of which condition holds.
func (w *world) until(name, what string, condition func(*kubevirtv1.VirtualMachine) bool) *kubevirtv1.VirtualMachine {
	w.Helper()
	var machine *kubevirtv1.VirtualMachine
	require.Eventually(w, func() bool {
		machine = w.machine(name)
		return machine != nil && condition(machine)
	}, soon, 10*time.Millisecond, what)
	return machine
}

func (w *world) untilShows(name string, status kubevirtv1.VirtualMachinePrintableStatus) *kubevirtv1.VirtualMachine {
	w.Helper()
	return w.until(name, string(status), func(machine *kubevirtv1.VirtualMachine) bool { return machine.Status.PrintableStatus == status })
}

// untilRuns waits for an instance that runs and is not the one before.
func (w *world) untilRuns(name string, before types.UID) *kubevirtv1.VirtualMachineInstance {
	w.Helper()
	var instance *kubevirtv1.VirtualMachineInstance
	require.Eventually(w, func() bool {
		instance = w.instance(name)
		return instance != nil && instance.UID != before && instance.IsRunning()
	}, soon, 10*time.Millisecond, "a running instance")
	return instance
}

func (w *world) untilGone(name string) {
	w.Helper()
	require.Eventually(w, func() bool { return w.machine(name) == nil && w.instance(name) == nil }, soon, 10*time.Millisecond, "all gone")
}

// act calls a subresource as clients do.
func (w *world) act(name, action, body string) {
	w.Helper()
	require.NoError(w, w.virt.KubevirtV1().RESTClient().Put().AbsPath("/apis/subresources.kubevirt.io/v1").
		Namespace(w.namespace).Resource("virtualmachines").Name(name).SubResource(action).
		Body([]byte(body)).Do(w.Context()).Error())
}

// ends has the guest end in that phase.
func (w *world) ends(name string, phase kubevirtv1.VirtualMachineInstancePhase) {
	w.Helper()
	instance := w.instance(name)
	require.NotNil(w, instance)
	enter(&instance.Status, phase)
	_, err := w.virt.KubevirtV1().VirtualMachineInstances(w.namespace).UpdateStatus(w.Context(), instance, metav1.UpdateOptions{})
	require.NoError(w, err)
}

// claim makes a bound claim.
func (w *world) claim(name string, mode corev1.PersistentVolumeAccessMode) {
	w.Helper()
	client := server.Kube.CoreV1().PersistentVolumeClaims(w.namespace)
	claim, err := client.Create(w.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{mode},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}, metav1.CreateOptions{})
	require.NoError(w, err)
	claim.Status.Phase = corev1.ClaimBound
	_, err = client.UpdateStatus(w.Context(), claim, metav1.UpdateOptions{})
	require.NoError(w, err)
}

// countWrites counts the writes of machines and instances of the namespace from now on.
func (w *world) countWrites() *atomic.Int64 {
	w.Helper()
	machines, err := w.virt.KubevirtV1().VirtualMachines(w.namespace).Watch(w.Context(), metav1.ListOptions{})
	require.NoError(w, err)
	instances, err := w.virt.KubevirtV1().VirtualMachineInstances(w.namespace).Watch(w.Context(), metav1.ListOptions{})
	require.NoError(w, err)
	var count atomic.Int64
	for _, watcher := range []watch.Interface{machines, instances} {
		w.Cleanup(watcher.Stop)
		go func() {
			for event := range watcher.ResultChan() {
				if event.Type == watch.Added || event.Type == watch.Modified || event.Type == watch.Deleted {
					count.Add(1)
				}
			}
		}()
	}
	return &count
}
