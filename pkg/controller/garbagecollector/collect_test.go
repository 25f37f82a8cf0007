// SPDX-License-Identifier: Apache-2.0

package garbagecollector_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"

	"github.com/virt-apiserver/virt-apiserver/pkg/controller/garbagecollector"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/standalonetest"
)

const (
	patience = 60 * time.Second
	hold     = "example.com/hold"
)

var server *standalonetest.Server

func TestMain(m *testing.M) {
	standalonetest.Main(m, func(s *standalonetest.Server) { server = s })
}

// run runs a collector until the test ends.
func run(t *testing.T) {
	t.Helper()
	objects, err := metadata.NewForConfig(server.Admin)
	require.NoError(t, err)
	collector := garbagecollector.New(garbagecollector.Config{
		Discovery: server.Kube.Discovery(), Metadata: objects, Ignored: garbagecollector.DefaultIgnored()})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- collector.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
}

// objects are config maps of a namespace of the test's own.
type objects struct {
	t         *testing.T
	namespace string
}

func newObjects(t *testing.T) objects {
	t.Helper()
	made, err := server.Kube.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	return objects{t, made.Name}
}

func (o objects) make(name string, owners ...metav1.OwnerReference) *corev1.ConfigMap {
	o.t.Helper()
	return o.makeWith(metav1.ObjectMeta{Name: name, OwnerReferences: owners})
}

func (o objects) makeWith(meta metav1.ObjectMeta) *corev1.ConfigMap {
	o.t.Helper()
	made, err := server.Kube.CoreV1().ConfigMaps(o.namespace).Create(o.t.Context(), &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{})
	require.NoError(o.t, err)
	return made
}

func (o objects) delete(name string, policy metav1.DeletionPropagation) {
	o.t.Helper()
	require.NoError(o.t, server.Kube.CoreV1().ConfigMaps(o.namespace).Delete(o.t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &policy}))
}

// get returns nil for what is not there.
func (o objects) get(name string) *corev1.ConfigMap {
	o.t.Helper()
	found, err := server.Kube.CoreV1().ConfigMaps(o.namespace).Get(o.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(o.t, err)
	return found
}

func (o objects) letGo(name string) {
	o.t.Helper()
	_, err := server.Kube.CoreV1().ConfigMaps(o.namespace).Patch(o.t.Context(), name, types.JSONPatchType,
		[]byte(`[{"op":"remove","path":"/metadata/finalizers"}]`), metav1.PatchOptions{})
	require.NoError(o.t, err)
}

func (o objects) requireGone(names ...string) {
	o.t.Helper()
	for _, name := range names {
		require.Eventually(o.t, func() bool { return o.get(name) == nil }, patience, 20*time.Millisecond, name)
	}
}

func (o objects) requireDeleting(name string) {
	o.t.Helper()
	require.Eventually(o.t, func() bool { return o.get(name).DeletionTimestamp != nil }, patience, 20*time.Millisecond, name)
}

func (o objects) requireOwners(name string, want ...types.UID) {
	o.t.Helper()
	require.Eventually(o.t, func() bool {
		var uids []types.UID
		for _, owner := range o.get(name).OwnerReferences {
			uids = append(uids, owner.UID)
		}
		return slices.Equal(uids, want)
	}, patience, 20*time.Millisecond, name)
}

func ownedBy(owner *corev1.ConfigMap) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID}
}

func blocking(owner *corev1.ConfigMap) metav1.OwnerReference {
	reference := ownedBy(owner)
	reference.BlockOwnerDeletion = new(true)
	return reference
}

func TestWhatAnOwnerOwnsGoesAfterIt(t *testing.T) {
	run(t)
	o := newObjects(t)
	owner := o.make("owner")
	child := o.make("child", ownedBy(owner))
	o.make("grandchild", ownedBy(child))
	o.make("other")
	o.delete("owner", metav1.DeletePropagationBackground)
	o.requireGone("owner", "child", "grandchild")
	assert.NotNil(t, o.get("other"))
}

func TestWhatHasNoOwnerAnyMoreIsFound(t *testing.T) {
	o := newObjects(t)
	owner := o.make("owner")
	o.make("child", ownedBy(owner))
	o.delete("owner", metav1.DeletePropagationBackground)
	o.make("owner")
	run(t)
	o.requireGone("child")
	o.make("late", ownedBy(owner))
	o.requireGone("late")
	assert.NotNil(t, o.get("owner"), "another one of the same name")
}

func TestOneOfTwoOwnersIsEnough(t *testing.T) {
	run(t)
	o := newObjects(t)
	first, second := o.make("first"), o.make("second")
	o.make("child", ownedBy(first), ownedBy(second))
	o.delete("first", metav1.DeletePropagationBackground)
	o.requireOwners("child", second.UID)
	o.delete("second", metav1.DeletePropagationForeground)
	o.requireGone("second", "child")
}

func TestOrphansStay(t *testing.T) {
	run(t)
	o := newObjects(t)
	owner := o.make("owner")
	o.make("child", blocking(owner))
	o.delete("owner", metav1.DeletePropagationOrphan)
	o.requireGone("owner")
	o.requireOwners("child")
	assert.Nil(t, o.get("child").DeletionTimestamp)
}

func TestForegroundOwnerWaitsForWhatBlocksIt(t *testing.T) {
	run(t)
	o := newObjects(t)
	owner := o.make("owner")
	child := o.makeWith(metav1.ObjectMeta{Name: "child", OwnerReferences: []metav1.OwnerReference{blocking(owner)}, Finalizers: []string{hold}})
	o.make("grandchild", blocking(child))
	o.delete("owner", metav1.DeletePropagationForeground)
	o.requireGone("grandchild")
	require.Eventually(t, func() bool { return slices.Equal(o.get("child").Finalizers, []string{hold}) }, patience, 20*time.Millisecond)
	assert.NotNil(t, o.get("owner"))
	o.letGo("child")
	o.requireGone("child", "owner")
}

func TestForegroundOwnerDoesNotWaitForTheRest(t *testing.T) {
	run(t)
	o := newObjects(t)
	owner := o.make("owner")
	o.makeWith(metav1.ObjectMeta{Name: "child", OwnerReferences: []metav1.OwnerReference{ownedBy(owner)}, Finalizers: []string{hold}})
	o.delete("owner", metav1.DeletePropagationForeground)
	o.requireGone("owner")
	o.requireDeleting("child")
	o.letGo("child")
	o.requireGone("child")
}

func TestCirclesDoNotWaitForThemselves(t *testing.T) {
	run(t)
	o := newObjects(t)
	first := o.make("first")
	second := o.make("second", blocking(first))
	first.OwnerReferences = []metav1.OwnerReference{blocking(second)}
	_, err := server.Kube.CoreV1().ConfigMaps(o.namespace).Update(t.Context(), first, metav1.UpdateOptions{})
	require.NoError(t, err)
	o.delete("first", metav1.DeletePropagationForeground)
	o.requireGone("first", "second")
}

func TestOwnersMayHaveNoNamespace(t *testing.T) {
	run(t)
	o := newObjects(t)
	classes := server.Kube.StorageV1().StorageClasses()
	class, err := classes.Create(t.Context(), &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}, Provisioner: "example.com/a"}, metav1.CreateOptions{})
	require.NoError(t, err)
	reference := metav1.OwnerReference{APIVersion: "storage.k8s.io/v1", Kind: "StorageClass", Name: class.Name, UID: class.UID}
	o.make("child", reference)
	gone := reference
	gone.UID = "gone"
	o.make("canary", gone)
	o.requireGone("canary")
	require.NotNil(t, o.get("child"))
	require.NoError(t, classes.Delete(t.Context(), class.Name, metav1.DeleteOptions{}))
	o.requireGone("child")
}

func TestOwnersThatThereCannotBeAreNotMissed(t *testing.T) {
	run(t)
	o := newObjects(t)
	owner := o.make("owner")
	o.make("of-unknown-kind", metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "a", UID: "a"})
	classes := server.Kube.StorageV1().StorageClasses()
	class, err := classes.Create(t.Context(), &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", OwnerReferences: []metav1.OwnerReference{ownedBy(owner)}}, Provisioner: "example.com/a"}, metav1.CreateOptions{})
	require.NoError(t, err)

	o.make("canary", metav1.OwnerReference{APIVersion: "v1", Kind: "Secret", Name: "gone", UID: "gone"})
	o.requireGone("canary")
	assert.NotNil(t, o.get("of-unknown-kind"))
	_, err = classes.Get(t.Context(), class.Name, metav1.GetOptions{})
	assert.NoError(t, err, "an owner in a namespace cannot own what has none")
}

func TestOwnersAreFoundInEachVersion(t *testing.T) {
	run(t)
	o := newObjects(t)
	vm := newMachine(t, o.namespace)
	for _, version := range []string{"v1", "v1alpha3"} {
		o.make("of-"+version, metav1.OwnerReference{APIVersion: "kubevirt.io/" + version, Kind: "VirtualMachine", Name: vm.Name, UID: vm.UID})
	}
	o.make("canary", metav1.OwnerReference{APIVersion: "kubevirt.io/v1", Kind: "VirtualMachine", Name: vm.Name, UID: "other"})
	o.requireGone("canary")
	assert.NotNil(t, o.get("of-v1alpha3"))
	deleteMachine(t, vm)
	o.requireGone("of-v1", "of-v1alpha3")
}
