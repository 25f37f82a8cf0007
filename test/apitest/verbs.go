// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
)

// verbs exercises one resource in one namespace.
type verbs struct {
	resource schema.GroupVersionResource
	manifest string
	client   dynamic.ResourceInterface
}

func (a *API) everyVerbOfEveryVersion(t *testing.T) {
	for resource, manifest := range served() {
		t.Run(resource.Version+"/"+resource.Resource, func(t *testing.T) {
			t.Parallel()
			v := verbs{resource, manifest, a.Dynamic.Resource(resource).Namespace(a.Namespace(t))}
			v.createAndGet(t)
			v.list(t)
			v.update(t)
			v.patch(t)
			v.apply(t)
			v.delete(t)
			v.deleteCollection(t)
		})
	}
}

func (v verbs) create(t *testing.T, name string, options metav1.CreateOptions) *unstructured.Unstructured {
	t.Helper()
	created, err := v.client.Create(t.Context(), Object(t, v.resource, v.manifest, name), options)
	require.NoError(t, err)
	return created
}

func (v verbs) get(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	found, err := v.client.Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	return found
}

func (v verbs) createAndGet(t *testing.T) {
	v.create(t, "dry", metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	_, err := v.client.Get(t.Context(), "dry", metav1.GetOptions{})
	assert.True(t, apierrors.IsNotFound(err), "a dry run stored something: %v", err)

	created := v.create(t, "a", metav1.CreateOptions{})
	found := v.get(t, "a")
	assert.Equal(t, created.GetUID(), found.GetUID())
	assert.Equal(t, v.resource.GroupVersion().String(), found.GetAPIVersion())

	_, err = v.client.Create(t.Context(), Object(t, v.resource, v.manifest, "a"), metav1.CreateOptions{})
	assert.True(t, apierrors.IsAlreadyExists(err), "%v", err)

	unknown := Object(t, v.resource, v.manifest, "b")
	require.NoError(t, unstructured.SetNestedField(unknown.Object, true, "spec", "noSuchField"))
	_, err = v.client.Create(t.Context(), unknown, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	assert.True(t, apierrors.IsBadRequest(err), "%v", err)
	assert.ErrorContains(t, err, `unknown field "spec.noSuchField"`)
}

func (v verbs) list(t *testing.T) {
	v.create(t, "b", metav1.CreateOptions{})
	v.create(t, "c", metav1.CreateOptions{})
	names := func(options metav1.ListOptions) (names []string, next string) {
		list, err := v.client.List(t.Context(), options)
		require.NoError(t, err)
		for _, item := range list.Items {
			names = append(names, item.GetName())
		}
		return names, list.GetContinue()
	}
	all, _ := names(metav1.ListOptions{})
	assert.Equal(t, []string{"a", "b", "c"}, all)
	page, next := names(metav1.ListOptions{Limit: 2})
	assert.Equal(t, []string{"a", "b"}, page)
	page, next = names(metav1.ListOptions{Limit: 2, Continue: next})
	assert.Equal(t, []string{"c"}, page)
	assert.Empty(t, next)
	byField, _ := names(metav1.ListOptions{FieldSelector: "metadata.name=b"})
	assert.Equal(t, []string{"b"}, byField)
	byLabel, _ := names(metav1.ListOptions{LabelSelector: "made-by=test"})
	assert.Equal(t, []string{"a", "b", "c"}, byLabel)
	none, _ := names(metav1.ListOptions{LabelSelector: "made-by=other"})
	assert.Empty(t, none)
}

func (v verbs) update(t *testing.T) {
	stale := v.get(t, "a")
	require.NoError(t, retry.RetryOnConflict(retry.DefaultBackoff, func() error { // a controller may be faster
		fresh := v.get(t, "a")
		fresh.SetAnnotations(map[string]string{"updated": "first"})
		_, err := v.client.Update(t.Context(), fresh, metav1.UpdateOptions{})
		return err
	}))
	stale.SetAnnotations(map[string]string{"updated": "second"})
	_, err := v.client.Update(t.Context(), stale, metav1.UpdateOptions{})
	assert.True(t, apierrors.IsConflict(err), "a stale update went through: %v", err)
	assert.Equal(t, "first", v.get(t, "a").GetAnnotations()["updated"])
}

func (v verbs) patch(t *testing.T) {
	for kind, patch := range map[types.PatchType]string{
		types.JSONPatchType:           `[{"op": "add", "path": "/metadata/annotations/by", "value": "json"}]`,
		types.MergePatchType:          `{"metadata": {"annotations": {"by": "merge"}}}`,
		types.StrategicMergePatchType: `{"metadata": {"annotations": {"by": "strategic"}, "$setElementOrder/finalizers": []}}`,
	} {
		patched, err := v.client.Patch(t.Context(), "a", kind, []byte(patch), metav1.PatchOptions{})
		if assert.NoError(t, err, kind) {
			assert.Contains(t, patch, patched.GetAnnotations()["by"])
			assert.Equal(t, "first", patched.GetAnnotations()["updated"], "%s dropped what it did not name", kind)
		}
	}
	failing := `[{"op": "test", "path": "/metadata/name", "value": "z"}]`
	_, err := v.client.Patch(t.Context(), "a", types.JSONPatchType, []byte(failing), metav1.PatchOptions{})
	assert.True(t, apierrors.IsInvalid(err), "%v", err)
}

func (v verbs) apply(t *testing.T) {
	applied := func(manager, value string, force bool) error {
		o := Object(t, v.resource, v.manifest, "applied")
		o.SetAnnotations(map[string]string{"wanted": value})
		data, err := json.Marshal(o)
		require.NoError(t, err)
		_, err = v.client.Patch(t.Context(), "applied", types.ApplyPatchType, data,
			metav1.PatchOptions{FieldManager: manager, Force: &force})
		return err
	}
	require.NoError(t, applied("one", "x", false))
	assert.EventuallyWithT(t, func(c *assert.CollectT) { // once the controllers have written what they have to
		version := v.get(t, "applied").GetResourceVersion()
		require.NoError(c, applied("one", "x", false))
		assert.Equal(c, version, v.get(t, "applied").GetResourceVersion(), "applying the same again wrote something")
	}, soon, tick)
	assert.True(t, apierrors.IsConflict(applied("two", "y", false)), "a second manager took a field over unasked")
	require.NoError(t, applied("two", "y", true))
	assert.Equal(t, "y", v.get(t, "applied").GetAnnotations()["wanted"])
}

func (v verbs) delete(t *testing.T) {
	old := types.UID("00000000-0000-0000-0000-000000000000")
	err := v.client.Delete(t.Context(), "applied", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &old}})
	assert.True(t, apierrors.IsConflict(err), "%v", err)
	require.NoError(t, v.client.Delete(t.Context(), "applied", metav1.DeleteOptions{}))
	v.awaitNames(t, "a", "b", "c")
	assert.True(t, apierrors.IsNotFound(v.client.Delete(t.Context(), "applied", metav1.DeleteOptions{})))
}

func (v verbs) deleteCollection(t *testing.T) {
	v.label(t, "b", "keep")
	err := v.client.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "made-by=test"})
	require.NoError(t, err)
	v.awaitNames(t, "b")
	require.NoError(t, v.client.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
	v.awaitNames(t)
}

func (v verbs) label(t *testing.T, name, value string) {
	patch := `{"metadata": {"labels": {"made-by": "` + value + `"}}}`
	_, err := v.client.Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	require.NoError(t, err)
}

func (v verbs) awaitNames(t *testing.T, want ...string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		list, err := v.client.List(t.Context(), metav1.ListOptions{})
		require.NoError(c, err)
		names := []string{}
		for _, item := range list.Items {
			names = append(names, item.GetName())
		}
		assert.ElementsMatch(c, want, names)
	}, soon, tick)
}
