// SPDX-License-Identifier: Apache-2.0

package core_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestSystemNamespacesAreThereAndStay(t *testing.T) {
	for _, name := range []string{"default", "kube-system", "kube-public"} {
		namespace, err := kube().CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		assert.Equal(t, corev1.NamespaceActive, namespace.Status.Phase)
		assert.Equal(t, []corev1.FinalizerName{corev1.FinalizerKubernetes}, namespace.Spec.Finalizers)
		assert.Equal(t, name, namespace.Labels[corev1.LabelMetadataName])
		err = kube().CoreV1().Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{})
		assert.True(t, apierrors.IsForbidden(err), err)
	}
}

func TestDeletedNamespaceStaysUntilItIsFinalized(t *testing.T) {
	namespaces, name := kube().CoreV1().Namespaces(), newNamespace(t)
	require.NoError(t, namespaces.Delete(t.Context(), name, metav1.DeleteOptions{}))
	require.NoError(t, namespaces.Delete(t.Context(), name, metav1.DeleteOptions{}), "deleted twice")
	namespace, err := namespaces.Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, corev1.NamespaceTerminating, namespace.Status.Phase)
	assert.NotNil(t, namespace.DeletionTimestamp)

	_, err = kube().CoreV1().ConfigMaps(name).Create(t.Context(), configMap("a", nil), metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), err)
	assert.True(t, apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause))

	namespace.Spec.Finalizers = nil
	updated, err := namespaces.Update(t.Context(), namespace, metav1.UpdateOptions{})
	require.NoError(t, err)
	assert.NotEmpty(t, updated.Spec.Finalizers, "only the subresource takes finalizers away")

	updated.Spec.Finalizers = nil
	_, err = namespaces.Finalize(t.Context(), updated, metav1.UpdateOptions{})
	require.NoError(t, err)
	_, err = namespaces.Get(t.Context(), name, metav1.GetOptions{})
	assert.True(t, apierrors.IsNotFound(err), err)
}

func TestNamespaceIsDeletedOnlyAsTheOneThatWasMeant(t *testing.T) {
	namespaces, name := kube().CoreV1().Namespaces(), newNamespace(t)
	other := types.UID("other")
	err := namespaces.Delete(t.Context(), name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &other}})
	assert.True(t, apierrors.IsConflict(err), err)
	err = namespaces.Delete(t.Context(), name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: new("1")}})
	assert.True(t, apierrors.IsConflict(err), err)
	assert.True(t, apierrors.IsNotFound(namespaces.Delete(t.Context(), "nowhere", metav1.DeleteOptions{})))
}

func TestNamespaceDeletionKeepsThePropagationPolicy(t *testing.T) {
	for policy, want := range map[metav1.DeletionPropagation][]string{
		metav1.DeletePropagationForeground: {metav1.FinalizerDeleteDependents},
		metav1.DeletePropagationOrphan:     {metav1.FinalizerOrphanDependents},
		metav1.DeletePropagationBackground: nil,
	} {
		name := newNamespace(t)
		require.NoError(t, kube().CoreV1().Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &policy}))
		namespace, err := kube().CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		assert.Equal(t, want, namespace.Finalizers, policy)
	}
}

func TestNothingIsMadeInANamespaceThatIsNotThere(t *testing.T) {
	_, err := kube().CoreV1().ConfigMaps("nowhere").Create(t.Context(), configMap("a", nil), metav1.CreateOptions{})
	assert.True(t, apierrors.IsNotFound(err), err)
}

func TestNamespaceStatusHasItsOwnRoute(t *testing.T) {
	namespaces, name := kube().CoreV1().Namespaces(), newNamespace(t)
	condition := []byte(`{"metadata":{"labels":{"x":"y"}},"spec":{"finalizers":["example/a"]},"status":{"conditions":[{"type":"T","status":"True"}]}}`)
	patched, err := namespaces.Patch(t.Context(), name, types.MergePatchType, condition, metav1.PatchOptions{}, "status")
	require.NoError(t, err)
	assert.Len(t, patched.Status.Conditions, 1)
	assert.Equal(t, []corev1.FinalizerName{corev1.FinalizerKubernetes}, patched.Spec.Finalizers)

	patched, err = namespaces.Patch(t.Context(), name, types.MergePatchType, []byte(`{"status":{"conditions":[]}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	assert.Len(t, patched.Status.Conditions, 1, "the main route leaves the status alone")

	_, err = namespaces.Patch(t.Context(), name, types.MergePatchType, []byte(`{"status":{"phase":"Terminating"}}`), metav1.PatchOptions{}, "status")
	assert.True(t, apierrors.IsInvalid(err), err)
}

func TestFinalizersOfANamespaceAreQualified(t *testing.T) {
	for _, finalizer := range []corev1.FinalizerName{"bare", "not a/name"} {
		_, err := kube().CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}, Spec: corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{finalizer}}},
			metav1.CreateOptions{})
		assert.ErrorContains(t, err, "spec.finalizers[0]")
	}
}
