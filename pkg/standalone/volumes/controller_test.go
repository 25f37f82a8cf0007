// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned/fake"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/informers/externalversions"
)

// machine is a controller with the API that it works against.
type machine struct {
	t      *testing.T
	core   kubernetes.Interface
	virt   versioned.Interface
	events *record.FakeRecorder
	store  *Store
	// controller is the one that runs.
	controller *Controller
}

// versions gives objects resource versions and refuses the update of an old one, as a server does and the
// generated clientset does not: without it, a controller with an old cache undoes what the test writes. Its
// caller, the clientset, lets one write in at a time.
type versions struct {
	clienttesting.ObjectTracker
	last int
}

func (v *versions) Create(gvr schema.GroupVersionResource, obj runtime.Object, ns string, opts ...metav1.CreateOptions) error {
	v.stamp(obj)
	return v.ObjectTracker.Create(gvr, obj, ns, opts...)
}

func (v *versions) Update(gvr schema.GroupVersionResource, obj runtime.Object, ns string, opts ...metav1.UpdateOptions) error {
	if err := v.check(gvr, obj, ns); err != nil {
		return err
	}
	return v.ObjectTracker.Update(gvr, obj, ns, opts...)
}

func (v *versions) Patch(gvr schema.GroupVersionResource, obj runtime.Object, ns string, opts ...metav1.PatchOptions) error {
	if err := v.check(gvr, obj, ns); err != nil {
		return err
	}
	return v.ObjectTracker.Patch(gvr, obj, ns, opts...)
}

func (v *versions) check(gvr schema.GroupVersionResource, obj runtime.Object, ns string) error {
	name := obj.(metav1.Object).GetName()
	current, err := v.Get(gvr, ns, name)
	if err != nil {
		return err
	}
	if obj.(metav1.Object).GetResourceVersion() != current.(metav1.Object).GetResourceVersion() {
		return apierrors.NewConflict(gvr.GroupResource(), name, errors.New("the object has been modified"))
	}
	v.stamp(obj)
	return nil
}

func (v *versions) stamp(obj runtime.Object) {
	v.last++
	obj.(metav1.Object).SetResourceVersion(strconv.Itoa(v.last))
}

func database() *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default", UID: "database-1"}}
}

// start runs a controller until the test ends, or stop is called.
func start(t *testing.T, store *Store, objects ...runtime.Object) (m *machine, stop func()) {
	t.Helper()
	core := corefake.NewClientset(append(objects, database())...)
	versions := &versions{ObjectTracker: core.Tracker()}
	core.PrependReactor("*", "persistentvolumeclaims", clienttesting.ObjectReaction(versions))
	m = &machine{
		t:      t,
		core:   core,
		virt:   fake.NewSimpleClientset(),
		events: record.NewFakeRecorder(100),
		store:  store,
	}
	return m, m.run()
}

func (m *machine) run() (stop func()) {
	core := informers.NewSharedInformerFactory(m.core, 0)
	virt := externalversions.NewSharedInformerFactory(m.virt, 0)
	c, err := NewController(Config{
		Core: m.core, Virt: m.virt, Recorder: m.events, Store: m.store,
		Claims:    core.Core().V1().PersistentVolumeClaims(),
		Classes:   core.Storage().V1().StorageClasses(),
		Instances: virt.Kubevirt().V1().VirtualMachineInstances(),
	})
	require.NoError(m.t, err)
	m.controller = c
	ctx, cancel := context.WithCancel(m.t.Context())
	core.Start(ctx.Done())
	virt.Start(ctx.Done())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx, 2)
	}()
	stop = func() {
		cancel()
		<-done
		core.Shutdown()
		virt.Shutdown()
	}
	m.t.Cleanup(stop)
	return stop
}

func newClaim(name string, change ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(uuid.NewString())},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			StorageClassName: ptr.To(ClassName),
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1500k")},
			},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
	}
	for _, c := range change {
		c(claim)
	}
	return claim
}

func (m *machine) create(claim *corev1.PersistentVolumeClaim) {
	m.t.Helper()
	_, err := m.core.CoreV1().PersistentVolumeClaims(claim.Namespace).Create(m.t.Context(), claim, metav1.CreateOptions{})
	require.NoError(m.t, err)
}

func (m *machine) claim(name string) *corev1.PersistentVolumeClaim {
	claim, err := m.core.CoreV1().PersistentVolumeClaims("default").Get(m.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(m.t, err)
	return claim
}

func (m *machine) eventually(what string, condition func() bool) {
	m.t.Helper()
	require.Eventually(m.t, condition, time.Minute, 5*time.Millisecond, what)
}

func (m *machine) bound(name string) *corev1.PersistentVolumeClaim {
	m.t.Helper()
	m.eventually("claim is bound", func() bool { return m.claim(name).Status.Phase == corev1.ClaimBound })
	return m.claim(name)
}

func (m *machine) expectEvent(words string) {
	m.t.Helper()
	select {
	case event := <-m.events.Events:
		assert.Contains(m.t, event, words)
	case <-time.After(10 * time.Second):
		m.t.Fatalf("no event with %q", words)
	}
}

// use makes an instance that uses a claim.
func (m *machine) use(name string) *kubevirtv1.VirtualMachineInstance {
	m.t.Helper()
	vmi := &kubevirtv1.VirtualMachineInstance{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "vm"}}
	vmi.Spec.Volumes = []kubevirtv1.Volume{{Name: "disk", VolumeSource: kubevirtv1.VolumeSource{
		PersistentVolumeClaim: &kubevirtv1.PersistentVolumeClaimVolumeSource{ClaimName: name},
	}}}
	vmi.Status.Phase = kubevirtv1.Running
	vmi, err := m.virt.KubevirtV1().VirtualMachineInstances("default").Create(m.t.Context(), vmi, metav1.CreateOptions{})
	require.NoError(m.t, err)
	m.eventually("the controller knows the user", func() bool { return len(m.controller.users(m.claim(name))) > 0 })
	return vmi
}

// end has the instance end.
func (m *machine) end(vmi *kubevirtv1.VirtualMachineInstance) {
	m.t.Helper()
	vmi.Status.Phase = kubevirtv1.Succeeded
	_, err := m.virt.KubevirtV1().VirtualMachineInstances("default").UpdateStatus(m.t.Context(), vmi, metav1.UpdateOptions{})
	require.NoError(m.t, err)
}

// remove does what a server does: an object with finalizers is marked, and gone with the last of them.
func (m *machine) remove(name string) {
	m.t.Helper()
	claims := m.core.CoreV1().PersistentVolumeClaims("default")
	require.NoError(m.t, retry.RetryOnConflict(retry.DefaultRetry, func() error {
		claim := m.claim(name)
		claim.DeletionTimestamp = ptr.To(metav1.Now())
		_, err := claims.Update(m.t.Context(), claim, metav1.UpdateOptions{})
		return err
	}))
}

// finish deletes the claim once it has no finalizers.
func (m *machine) finish(name string) {
	m.t.Helper()
	m.eventually("claim is released", func() bool { return len(m.claim(name).Finalizers) == 0 })
	require.NoError(m.t, m.core.CoreV1().PersistentVolumeClaims("default").Delete(m.t.Context(), name, metav1.DeleteOptions{}))
}

func TestAClaimOfTheLocalClassIsBound(t *testing.T) {
	m, _ := start(t, newStore(t), StorageClass())
	m.create(newClaim("disk"))
	claim := m.bound("disk")
	assert.Equal(t, "pvc-"+string(claim.UID), claim.Spec.VolumeName)
	assert.Equal(t, claim.Spec.AccessModes, claim.Status.AccessModes)
	assert.EqualValues(t, 2*mib, capacity(claim), "rounded up to whole MiB")
	assert.Equal(t, []string{"kubernetes.io/pvc-protection"}, claim.Finalizers)
	assert.NoDirExists(t, dirOf(m.store, claim), "the disk is made when it is needed")
	_, err := m.store.Locate(t.Context(), claim)
	require.NoError(t, err)
}

func TestAClaimWithoutAClassTakesTheDefault(t *testing.T) {
	m, _ := start(t, newStore(t))
	m.create(newClaim("disk", func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = nil }))
	_, err := m.core.StorageV1().StorageClasses().Create(t.Context(), StorageClass(), metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Equal(t, ptr.To(ClassName), m.bound("disk").Spec.StorageClassName)
}

func TestClaimsOfOtherClassesAreLeftAlone(t *testing.T) {
	other := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "nfs"}, Provisioner: "example.com/nfs"}
	m, _ := start(t, newStore(t), StorageClass(), other)
	m.create(newClaim("other", func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = ptr.To("nfs") }))
	m.create(newClaim("none", func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = ptr.To("") }))
	m.create(newClaim("disk"))
	m.bound("disk")
	assert.Equal(t, corev1.ClaimPending, m.claim("other").Status.Phase)
	assert.Equal(t, corev1.ClaimPending, m.claim("none").Status.Phase)
}

func TestAClaimThatWaitsForAClassSaysSo(t *testing.T) {
	other := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "nfs"}, Provisioner: "example.com/nfs"}
	for words, name := range map[string]*string{
		`Warning ProvisioningFailed storageclass.storage.k8s.io "gold" not found`:                                      ptr.To("gold"),
		"Normal FailedBinding no persistent volumes available for this claim and no storage class is set":              nil,
		"Normal FailedBinding no persistent volumes available for this claim":                                          ptr.To(""),
		`Normal ExternalProvisioning Waiting for a volume to be created by the external provisioner "example.com/nfs"`: ptr.To("nfs"),
	} {
		t.Run(words, func(t *testing.T) {
			m, _ := start(t, newStore(t), other)
			m.create(newClaim("disk", func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = name }))
			m.expectEvent(words)
			assert.Equal(t, corev1.ClaimPending, m.claim("disk").Status.Phase)
		})
	}
}

func TestImpossibleClaimsStayPendingAndSayWhy(t *testing.T) {
	for words, change := range map[string]func(*corev1.PersistentVolumeClaim){
		"no block devices": func(c *corev1.PersistentVolumeClaim) {
			c.Spec.VolumeMode, c.Spec.VolumeName = ptr.To(corev1.PersistentVolumeBlock), "tape"
		},
		"spec.volumeName": func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = "pv-1" },
		"spec.selector":   func(c *corev1.PersistentVolumeClaim) { c.Spec.Selector = &metav1.LabelSelector{} },
		"use a DataVolume": func(c *corev1.PersistentVolumeClaim) {
			c.Spec.DataSource = &corev1.TypedLocalObjectReference{Kind: "PersistentVolumeClaim", Name: "a"}
		},
		"at most 1Pi": func(c *corev1.PersistentVolumeClaim) {
			c.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("2Pi")
		},
	} {
		t.Run(words, func(t *testing.T) {
			m, _ := start(t, newStore(t), StorageClass())
			m.create(newClaim("disk", change))
			m.expectEvent(words)
			assert.Equal(t, corev1.ClaimPending, m.claim("disk").Status.Phase)
		})
	}
}

func TestABlockClaimWithoutANameHasAFile(t *testing.T) {
	store := newStore(t)
	m, _ := start(t, store, StorageClass())
	m.create(newClaim("disk", func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeBlock) }))
	claim := m.bound("disk")
	assert.Equal(t, volumeName(claim), claim.Spec.VolumeName)
	path, err := store.Locate(t.Context(), claim)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular())
	assert.Equal(t, capacity(claim), info.Size())
}

func TestAClaimLargerThanTheFreeSpaceIsBoundWithAWarning(t *testing.T) {
	m, _ := start(t, newStore(t), StorageClass())
	m.create(newClaim("disk", func(c *corev1.PersistentVolumeClaim) {
		c.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("500Ti")
	}))
	m.expectEvent("Warning StorageOvercommitted")
	m.bound("disk")
}

func TestBindingIsCompletedAfterACrash(t *testing.T) {
	claim := newClaim("disk", func(c *corev1.PersistentVolumeClaim) {
		c.Spec.VolumeName = volumeName(c)
		c.Finalizers = []string{protection}
	})
	m, _ := start(t, newStore(t), StorageClass(), claim)
	m.bound("disk")
}

func TestAClaimInUseIsNotRemoved(t *testing.T) {
	m, _ := start(t, newStore(t), StorageClass())
	m.create(newClaim("disk"))
	m.create(newClaim("other"))
	claim := m.bound("disk")
	m.bound("other")
	path, err := m.store.Locate(t.Context(), claim)
	require.NoError(t, err)
	vmi := m.use("disk")
	m.remove("disk")
	m.remove("other")
	m.finish("other")
	assert.NotEmpty(t, m.claim("disk").Finalizers)
	assert.FileExists(t, path)

	m.end(vmi)
	m.finish("disk")
	m.eventually("the disk is gone", func() bool { _, err := os.Stat(filepath.Dir(path)); return os.IsNotExist(err) })
}

func TestAClaimOfADeletedInstanceIsReleased(t *testing.T) {
	m, _ := start(t, newStore(t), StorageClass())
	m.create(newClaim("disk"))
	m.bound("disk")
	m.use("disk")
	m.remove("disk")
	require.NoError(t, m.virt.KubevirtV1().VirtualMachineInstances("default").Delete(t.Context(), "vm", metav1.DeleteOptions{}))
	m.finish("disk")
}

func TestADiskGoesWithItsClaimWhileNobodyLooked(t *testing.T) {
	store := newStore(t)
	m, stop := start(t, store, StorageClass())
	m.create(newClaim("kept"))
	m.create(newClaim("gone"))
	kept, gone := m.bound("kept"), m.bound("gone")
	fill(t, store, kept, "kept")
	fill(t, store, gone, "gone")
	m.eventually("the database is known", func() bool { _, err := os.Stat(filepath.Join(store.Path(), databaseName)); return err == nil })
	stop()
	require.NoError(t, m.core.CoreV1().PersistentVolumeClaims("default").Delete(t.Context(), "gone", metav1.DeleteOptions{}))
	m.run()
	m.eventually("the disk is gone", func() bool { _, err := os.Stat(dirOf(store, gone)); return os.IsNotExist(err) })
	assert.FileExists(t, filepath.Join(dirOf(store, kept), diskName))
}

func TestDisksOfAnotherDatabaseAreLeftAlone(t *testing.T) {
	store, claim := newStore(t), boundClaim()
	fill(t, store, claim, "the last that the user has")
	belong, err := store.belongsTo("database-0", true)
	require.NoError(t, err)
	require.True(t, belong)
	c := &Controller{core: corefake.NewClientset(database()), store: store}
	require.NoError(t, c.removeOrphans(t.Context()))
	assert.FileExists(t, filepath.Join(dirOf(store, claim), diskName))

	require.NoError(t, store.remove(claim.UID))
	require.NoError(t, c.removeOrphans(t.Context()))
	belong, err = store.belongsTo("database-1", false)
	require.NoError(t, err)
	assert.True(t, belong, "an empty store is the new database's")
}

func TestExpansionWaitsForTheInstance(t *testing.T) {
	m, _ := start(t, newStore(t), StorageClass())
	m.create(newClaim("disk"))
	path, err := m.store.Locate(t.Context(), m.bound("disk"))
	require.NoError(t, err)
	vmi := m.use("disk")
	claim := m.claim("disk")
	claim.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("5Mi")
	_, err = m.core.CoreV1().PersistentVolumeClaims("default").Update(t.Context(), claim, metav1.UpdateOptions{})
	require.NoError(t, err)
	m.eventually("the claim waits", func() bool { return slices.ContainsFunc(m.claim("disk").Status.Conditions, isResizePending) })
	assert.EqualValues(t, 2*mib, capacity(m.claim("disk")))

	m.end(vmi)
	m.eventually("the claim grows", func() bool { return capacity(m.claim("disk")) == 5*mib })
	assert.Empty(t, m.claim("disk").Status.Conditions)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.EqualValues(t, 5*mib, info.Size())
}

func TestExpansionNeedsTheClassToAllowIt(t *testing.T) {
	class := StorageClass()
	class.AllowVolumeExpansion = nil
	m, _ := start(t, newStore(t), class)
	m.create(newClaim("disk"))
	claim := m.bound("disk")
	claim.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("5Mi")
	_, err := m.core.CoreV1().PersistentVolumeClaims("default").Update(t.Context(), claim, metav1.UpdateOptions{})
	require.NoError(t, err)
	m.expectEvent("does not allow expansion")
	assert.EqualValues(t, 2*mib, capacity(m.claim("disk")))
}
