// SPDX-License-Identifier: Apache-2.0

package namespace_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/controller/namespace"
	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/standalonetest"
)

const patience = 60 * time.Second

var server *standalonetest.Server

func TestMain(m *testing.M) {
	standalonetest.Main(m, func(s *standalonetest.Server) { server = s })
}

func kube() kubernetes.Interface { return server.Kube }

// run runs a controller until the test ends.
func run(t *testing.T) {
	t.Helper()
	objects, err := metadata.NewForConfig(server.Admin)
	require.NoError(t, err)
	factory := informers.NewSharedInformerFactory(kube(), 0)
	controller, err := namespace.New(namespace.Config{Kube: kube(), Metadata: objects, Namespaces: factory.Core().V1().Namespaces()})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	factory.Start(ctx.Done())
	go func() {
		controller.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		factory.Shutdown()
	})
}

func newNamespace(t *testing.T) string {
	t.Helper()
	made, err := kube().CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	return made.Name
}

func requireGone(t *testing.T, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := kube().CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	}, patience, 50*time.Millisecond)
}

func TestDeletedNamespaceTakesItsContentAlong(t *testing.T) {
	t.Parallel()
	run(t)
	name, other := newNamespace(t), newNamespace(t)
	virt, err := versioned.NewForConfig(server.Admin)
	require.NoError(t, err)
	for _, namespace := range []string{name, other} {
		_, err := kube().CoreV1().ConfigMaps(namespace).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = kube().CoreV1().Secrets(namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = kube().CoreV1().Events(namespace).Create(t.Context(), &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "a"},
			InvolvedObject: corev1.ObjectReference{Namespace: namespace}}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = virt.CdiV1beta1().DataVolumes(namespace).Create(t.Context(), dataVolume(), metav1.CreateOptions{})
		require.NoError(t, err)
	}
	require.NoError(t, kube().CoreV1().Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{}))
	requireGone(t, name)

	for namespace, want := range map[string]int{name: 0, other: 1} {
		maps, err := kube().CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		assert.Len(t, maps.Items, want)
		events, err := kube().CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		assert.Len(t, events.Items, want)
		volumes, err := virt.CdiV1beta1().DataVolumes(namespace).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		assert.Len(t, volumes.Items, want)
	}
}

func dataVolume() *cdiv1.DataVolume {
	volume := &cdiv1.DataVolume{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	volume.Spec.Source = &cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}}
	volume.Spec.Storage = &cdiv1.StorageSpec{}
	volume.Spec.Storage.Resources = &verbatim.VolumeResourceRequirements{Requests: verbatim.ResourceList{corev1.ResourceStorage: verbatim.MustParse("1Mi")}}
	return volume
}

func TestNamespaceTellsWhatKeepsIt(t *testing.T) {
	t.Parallel()
	run(t)
	name := newNamespace(t)
	maps := kube().CoreV1().ConfigMaps(name)
	_, err := maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Finalizers: []string{"example.com/hold"}}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, kube().CoreV1().Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{}))

	var status corev1.NamespaceStatus
	require.Eventually(t, func() bool {
		namespace, err := kube().CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		status = namespace.Status
		return len(status.Conditions) > 0
	}, patience, 50*time.Millisecond)
	messages := map[corev1.NamespaceConditionType]string{}
	for _, condition := range status.Conditions {
		if condition.Status == corev1.ConditionTrue {
			messages[condition.Type] = condition.Message
		}
	}
	assert.Equal(t, map[corev1.NamespaceConditionType]string{
		corev1.NamespaceContentRemaining:    "Some resources are remaining: configmaps has 1 resource instances",
		corev1.NamespaceFinalizersRemaining: "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
	}, messages)

	_, err = maps.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	requireGone(t, name)
}

func TestForeignFinalizerKeepsTheNamespace(t *testing.T) {
	t.Parallel()
	run(t)
	made, err := kube().CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
		Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{"example.com/hold"}}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, kube().CoreV1().Namespaces().Delete(t.Context(), made.Name, metav1.DeleteOptions{}))
	require.Eventually(t, func() bool {
		made, err = kube().CoreV1().Namespaces().Get(t.Context(), made.Name, metav1.GetOptions{})
		require.NoError(t, err)
		return len(made.Spec.Finalizers) == 1
	}, patience, 50*time.Millisecond)
	assert.Equal(t, corev1.FinalizerName("example.com/hold"), made.Spec.Finalizers[0])
	made.Spec.Finalizers = nil
	_, err = kube().CoreV1().Namespaces().Finalize(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
	requireGone(t, made.Name)
}

func TestNamespaceThatWasLeftIsFinishedAfterARestart(t *testing.T) {
	name := newNamespace(t)
	_, err := kube().CoreV1().ConfigMaps(name).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, kube().CoreV1().Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{}))
	run(t)
	requireGone(t, name)
}
