// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	corefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned/fake"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/workload"
)

// fakeImporters does what the test says.
type fakeImporters struct {
	mu      sync.Mutex
	notify  func(types.NamespacedName)
	states  map[types.NamespacedName]workload.ImportState
	started []workload.Import
}

func (f *fakeImporters) Start(_ context.Context, imp workload.Import) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := types.NamespacedName{Namespace: imp.Claim.Namespace, Name: imp.Claim.Name}
	if state, ok := f.states[key]; ok && state.Claim == imp.Claim.UID {
		return nil
	}
	f.started = append(f.started, imp)
	f.states[key] = workload.ImportState{Claim: imp.Claim.UID, Attempt: imp.Attempt, Phase: workload.ImportScheduled, Progress: -1}
	return nil
}

func (f *fakeImporters) State(key types.NamespacedName) (workload.ImportState, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state, ok := f.states[key]
	return state, ok
}

func (f *fakeImporters) Stop(_ context.Context, key types.NamespacedName) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.states, key)
	return nil
}

func (f *fakeImporters) OnChange(notify func(types.NamespacedName)) { f.notify = notify }

// world is a controller with all that it works against, on a time of its own.
type world struct {
	t         *testing.T
	core      *corefake.Clientset
	virt      *fake.Clientset
	importers *fakeImporters
	events    *record.FakeRecorder
	stop      func()
}

var volume = types.NamespacedName{Namespace: "ns", Name: "disk"}

func localClass() *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "local", Annotations: map[string]string{
		defaultClass: "true", cdiv1.FilesystemOverheadAnnotation: "0",
	}}}
}

// inWorld runs test in a bubble in which time passes when nothing else happens.
func inWorld(t *testing.T, test func(w *world), objects ...runtime.Object) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t:         t,
			core:      corefake.NewClientset(objects...),
			virt:      fake.NewSimpleClientset(),
			importers: &fakeImporters{states: map[types.NamespacedName]workload.ImportState{}},
			events:    record.NewFakeRecorder(100),
		}
		w.start()
		test(w)
		w.stop()
	})
}

// start starts a controller, as a new process would.
func (w *world) start() {
	core := informers.NewSharedInformerFactory(w.core, 0)
	virt := externalversions.NewSharedInformerFactory(w.virt, 0)
	c, err := New(Config{
		Client: w.virt, Core: w.core, Importers: w.importers, Recorder: w.events,
		DataVolumes: virt.Cdi().V1beta1().DataVolumes(),
		Claims:      core.Core().V1().PersistentVolumeClaims(),
		Classes:     core.Storage().V1().StorageClasses(),
	})
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	core.Start(ctx.Done())
	virt.Start(ctx.Done())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx, 2) })
	w.stop = func() {
		cancel()
		running.Wait()
		core.Shutdown()
		virt.Shutdown()
	}
	w.settle()
}

// settle lets everything happen that happens within a second.
func (w *world) settle() { w.pass(time.Second) }

func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func newVolume(change ...func(*cdiv1.DataVolume)) *cdiv1.DataVolume {
	dv := &cdiv1.DataVolume{
		ObjectMeta: metav1.ObjectMeta{Namespace: volume.Namespace, Name: volume.Name, UID: "dv-1"},
		Spec: cdiv1.DataVolumeSpec{
			Source:  &cdiv1.DataVolumeSource{HTTP: &cdiv1.DataVolumeSourceHTTP{URL: "http://host/disk.img"}},
			Storage: &cdiv1.StorageSpec{Resources: requests("1Gi")},
		},
	}
	for _, c := range change {
		c(dv)
	}
	return dv
}

func requests(size string) *verbatim.VolumeResourceRequirements {
	return &verbatim.VolumeResourceRequirements{Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse(size)}}
}

func (w *world) create(dv *cdiv1.DataVolume) {
	w.t.Helper()
	_, err := w.virt.CdiV1beta1().DataVolumes(dv.Namespace).Create(w.t.Context(), dv, metav1.CreateOptions{})
	require.NoError(w.t, err)
	w.settle()
}

func (w *world) volume() *cdiv1.DataVolume {
	w.t.Helper()
	dv, err := w.virt.CdiV1beta1().DataVolumes(volume.Namespace).Get(w.t.Context(), volume.Name, metav1.GetOptions{})
	require.NoError(w.t, err)
	return dv
}

// claim returns the claim, or nil.
func (w *world) claim() *corev1.PersistentVolumeClaim {
	w.t.Helper()
	claim, err := w.core.CoreV1().PersistentVolumeClaims(volume.Namespace).Get(w.t.Context(), volume.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(w.t, err)
	return claim
}

// bind binds the claim, and gives it a UID, which the fake server does not.
func (w *world) bind(uid types.UID) {
	w.t.Helper()
	claim := w.claim()
	require.NotNil(w.t, claim)
	claim.UID = uid
	claim.Status.Phase = corev1.ClaimBound
	claim.Status.Capacity = claim.Spec.Resources.Requests
	w.updateClaim(claim)
}

func (w *world) updateClaim(claim *corev1.PersistentVolumeClaim) {
	w.t.Helper()
	_, err := w.core.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(w.t.Context(), claim, metav1.UpdateOptions{})
	require.NoError(w.t, err)
	w.settle()
}

func (w *world) deleteClaim() {
	w.t.Helper()
	require.NoError(w.t, w.core.CoreV1().PersistentVolumeClaims(volume.Namespace).Delete(w.t.Context(), volume.Name, metav1.DeleteOptions{}))
	w.settle()
}

// report has the import reach a state, of which the controller is told.
func (w *world) report(change func(*workload.ImportState)) {
	w.t.Helper()
	w.importers.mu.Lock()
	state, ok := w.importers.states[volume]
	change(&state)
	w.importers.states[volume] = state
	w.importers.mu.Unlock()
	require.True(w.t, ok, "there is an import")
	w.importers.notify(volume)
	w.settle()
}

func (w *world) run(progress float64) {
	w.t.Helper()
	w.report(func(s *workload.ImportState) { s.Phase, s.Progress = workload.ImportRunning, progress })
}

func (w *world) succeed() {
	w.t.Helper()
	w.report(func(s *workload.ImportState) { s.Phase, s.Progress = workload.ImportSucceeded, 1 })
}

func (w *world) fail(err *failure.Error) {
	w.t.Helper()
	w.report(func(s *workload.ImportState) { s.Phase, s.Failure = workload.ImportFailed, err })
}

// attempts are the imports that were started.
func (w *world) attempts() int {
	w.importers.mu.Lock()
	defer w.importers.mu.Unlock()
	return len(w.importers.started)
}

func (w *world) lastAttempt() workload.Import {
	w.importers.mu.Lock()
	defer w.importers.mu.Unlock()
	require.NotEmpty(w.t, w.importers.started)
	return w.importers.started[len(w.importers.started)-1]
}

// expectStatus compares phase, progress and conditions, these in short: "Bound=True:reason".
func (w *world) expectStatus(phase cdiv1.DataVolumePhase, progress cdiv1.DataVolumeProgress, conditions ...string) {
	w.t.Helper()
	status := w.volume().Status
	assert.Equal(w.t, phase, status.Phase)
	assert.Equal(w.t, progress, status.Progress)
	var short []string
	for _, c := range status.Conditions {
		short = append(short, string(c.Type)+"="+string(c.Status)+":"+c.Reason)
	}
	assert.Equal(w.t, conditions, short)
	assert.Equal(w.t, volume.Name, status.ClaimName)
}

// told are the reasons of the events since the last call.
func (w *world) told() []string {
	var reasons []string
	for {
		select {
		case event := <-w.events.Events:
			reasons = append(reasons, strings.Fields(event)[1])
		default:
			return reasons
		}
	}
}

// statusWrites counts the writes of the status so far.
func (w *world) statusWrites() int {
	n := 0
	for _, action := range w.virt.Actions() {
		if update, ok := action.(clienttesting.UpdateAction); ok && update.GetSubresource() == "status" {
			n++
		}
	}
	return n
}
