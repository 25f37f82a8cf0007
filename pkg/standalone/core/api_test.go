// SPDX-License-Identifier: Apache-2.0

package core_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: named(name), Data: data}
}

func TestObjectsAreMadeReadChangedAndDeleted(t *testing.T) {
	maps := kube().CoreV1().ConfigMaps(newNamespace(t))
	made, err := maps.Create(t.Context(), configMap("a", map[string]string{"k": "1"}), metav1.CreateOptions{})
	require.NoError(t, err)
	assert.NotEmpty(t, made.UID)

	made.Data["k"] = "2"
	_, err = maps.Update(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
	_, err = maps.Update(t.Context(), made, metav1.UpdateOptions{})
	assert.True(t, apierrors.IsConflict(err), "an update of an old version: %v", err)

	read, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"k": "2"}, read.Data)
	require.NoError(t, maps.Delete(t.Context(), "a", metav1.DeleteOptions{}))
	_, err = maps.Get(t.Context(), "a", metav1.GetOptions{})
	assert.True(t, apierrors.IsNotFound(err))
}

func TestProtobufAndJSONAreSpoken(t *testing.T) {
	namespace := newNamespace(t)
	for _, media := range []string{"application/vnd.kubernetes.protobuf", "application/json", "application/yaml"} {
		t.Run(media, func(t *testing.T) {
			config := rest.CopyConfig(server.Admin)
			config.ContentType, config.AcceptContentTypes = media, media
			client, err := kubernetes.NewForConfig(config)
			require.NoError(t, err)
			_, err = client.CoreV1().Secrets(namespace).Create(t.Context(),
				&corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "s-"}, Data: map[string][]byte{"k": {1}}}, metav1.CreateOptions{})
			require.NoError(t, err)
			list, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			assert.NotEmpty(t, list.Items)
		})
	}
}

func TestChangesAreWatched(t *testing.T) {
	maps := kube().CoreV1().ConfigMaps(newNamespace(t))
	changes, err := maps.Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer changes.Stop()
	_, err = maps.Create(t.Context(), configMap("a", nil), metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = maps.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"data":{"k":"1"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.NoError(t, maps.Delete(t.Context(), "a", metav1.DeleteOptions{}))
	for _, want := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted} {
		assert.Equal(t, want, (<-changes.ResultChan()).Type)
	}
}

func TestListsComeInPages(t *testing.T) {
	maps := kube().CoreV1().ConfigMaps(newNamespace(t))
	for i := range 5 {
		_, err := maps.Create(t.Context(), configMap(fmt.Sprint("m", i), nil), metav1.CreateOptions{})
		require.NoError(t, err)
	}
	var names []string
	options := metav1.ListOptions{Limit: 2}
	for pages := 1; ; pages++ {
		page, err := maps.List(t.Context(), options)
		require.NoError(t, err)
		for i := range page.Items {
			names = append(names, page.Items[i].Name)
		}
		if options.Continue = page.Continue; options.Continue == "" {
			assert.Equal(t, 3, pages)
			break
		}
	}
	assert.Equal(t, []string{"m0", "m1", "m2", "m3", "m4"}, names)
}

func TestPatchesOfEachKindApply(t *testing.T) {
	maps := kube().CoreV1().ConfigMaps(newNamespace(t))
	for kind, patch := range map[types.PatchType]string{
		types.JSONPatchType:           `[{"op":"replace","path":"/data/k","value":"2"}]`,
		types.MergePatchType:          `{"data":{"k":"2"}}`,
		types.StrategicMergePatchType: `{"data":{"k":"2"}}`,
		types.ApplyYAMLPatchType:      `{"apiVersion":"v1","kind":"ConfigMap","data":{"k":"2"}}`,
	} {
		t.Run(string(kind), func(t *testing.T) {
			made, err := maps.Create(t.Context(), &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{GenerateName: "m-"}, Data: map[string]string{"k": "1", "other": "1"}}, metav1.CreateOptions{})
			require.NoError(t, err)
			options := metav1.PatchOptions{FieldManager: "test"}
			if kind == types.ApplyYAMLPatchType {
				options.Force = new(true)
			}
			patched, err := maps.Patch(t.Context(), made.Name, kind, []byte(patch), options)
			require.NoError(t, err)
			assert.Equal(t, map[string]string{"k": "2", "other": "1"}, patched.Data)
		})
	}
}

func TestAppliersOwnWhatTheyApply(t *testing.T) {
	namespace := newNamespace(t)
	maps := kube().CoreV1().ConfigMaps(namespace)
	apply := func(manager string, data map[string]string) error {
		_, err := maps.Apply(t.Context(), applycorev1.ConfigMap("a", namespace).WithData(data), metav1.ApplyOptions{FieldManager: manager})
		return err
	}
	require.NoError(t, apply("one", map[string]string{"k": "1", "gone": "1"}))
	require.NoError(t, apply("one", map[string]string{"k": "1"}))
	assert.True(t, apierrors.IsConflict(apply("two", map[string]string{"k": "2"})))
	read, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"k": "1"}, read.Data)
}

func TestDryRunStoresNothing(t *testing.T) {
	namespace := newNamespace(t)
	dry := []string{metav1.DryRunAll}
	_, err := kube().CoreV1().ConfigMaps(namespace).Create(t.Context(), configMap("a", nil), metav1.CreateOptions{DryRun: dry})
	require.NoError(t, err)
	_, err = kube().CoreV1().ConfigMaps(namespace).Get(t.Context(), "a", metav1.GetOptions{})
	assert.True(t, apierrors.IsNotFound(err))

	require.NoError(t, kube().CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{DryRun: dry}))
	read, err := kube().CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	require.NoError(t, err)
	assert.Equal(t, corev1.NamespaceActive, read.Status.Phase)
}

func TestUnknownFieldsAreRefusedWhenAsked(t *testing.T) {
	path := "/api/v1/namespaces/" + newNamespace(t) + "/configmaps"
	err := kube().CoreV1().RESTClient().Post().AbsPath(path).Param("fieldValidation", "Strict").
		SetHeader("Content-Type", "application/json").
		Body([]byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"dota":{}}`)).Do(t.Context()).Error()
	assert.True(t, apierrors.IsBadRequest(err))
	assert.ErrorContains(t, err, `unknown field "dota"`)
}

func TestObjectsAreSelectedByLabelsAndFields(t *testing.T) {
	namespace := newNamespace(t)
	secrets := kube().CoreV1().Secrets(namespace)
	for name, kind := range map[string]corev1.SecretType{"a": "example/one", "b": "example/two"} {
		_, err := secrets.Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"name": name}}, Type: kind}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	for _, options := range []metav1.ListOptions{
		{LabelSelector: "name=a"}, {FieldSelector: "metadata.name=a"}, {FieldSelector: "type=example/one,metadata.namespace=" + namespace},
	} {
		list, err := secrets.List(t.Context(), options)
		require.NoError(t, err)
		require.Len(t, list.Items, 1, options)
		assert.Equal(t, "a", list.Items[0].Name)
	}
	_, err := secrets.List(t.Context(), metav1.ListOptions{FieldSelector: "data=x"})
	assert.True(t, apierrors.IsBadRequest(err))

	active, err := kube().CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{FieldSelector: "status.phase=Active,metadata.name=" + namespace})
	require.NoError(t, err)
	assert.Len(t, active.Items, 1)
}

func TestCollectionsAreDeleted(t *testing.T) {
	maps := kube().CoreV1().ConfigMaps(newNamespace(t))
	for _, name := range []string{"a", "b"} {
		_, err := maps.Create(t.Context(), configMap(name, nil), metav1.CreateOptions{})
		require.NoError(t, err)
	}
	require.NoError(t, maps.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "metadata.name!=b"}))
	list, err := maps.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	assert.Equal(t, "b", list.Items[0].Name)
}

func TestDiscoveryNamesEachKindAsUpstreamDoes(t *testing.T) {
	_, lists, err := kube().Discovery().ServerGroupsAndResources()
	require.NoError(t, err)
	found := map[string]metav1.APIResource{}
	for _, list := range lists {
		for _, resource := range list.APIResources {
			found[list.GroupVersion+"/"+resource.Name] = resource
		}
	}
	all := []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	for name, want := range map[string]metav1.APIResource{
		"v1/namespaces":                    {SingularName: "namespace", Kind: "Namespace", ShortNames: []string{"ns"}, Verbs: without(all, "deletecollection")},
		"v1/namespaces/status":             {SingularName: "namespace", Kind: "Namespace", Verbs: []string{"get", "patch", "update"}},
		"v1/namespaces/finalize":           {SingularName: "namespace", Kind: "Namespace", Verbs: []string{"update"}},
		"v1/secrets":                       {SingularName: "secret", Kind: "Secret", Namespaced: true, Verbs: all},
		"v1/configmaps":                    {SingularName: "configmap", Kind: "ConfigMap", Namespaced: true, ShortNames: []string{"cm"}, Verbs: all},
		"v1/events":                        {SingularName: "event", Kind: "Event", Namespaced: true, ShortNames: []string{"ev"}, Verbs: all},
		"v1/persistentvolumeclaims":        {SingularName: "persistentvolumeclaim", Kind: "PersistentVolumeClaim", Namespaced: true, ShortNames: []string{"pvc"}, Verbs: all},
		"v1/persistentvolumeclaims/status": {SingularName: "persistentvolumeclaim", Kind: "PersistentVolumeClaim", Namespaced: true, Verbs: []string{"get", "patch", "update"}},
		"v1/nodes":                         {SingularName: "node", Kind: "Node", ShortNames: []string{"no"}, Verbs: []string{"get", "list", "watch"}},
		"v1/pods":                          {SingularName: "pod", Kind: "Pod", Namespaced: true, ShortNames: []string{"po"}, Verbs: []string{"get", "list", "watch"}},
		"v1/services":                      {SingularName: "service", Kind: "Service", Namespaced: true, ShortNames: []string{"svc"}, Verbs: []string{"get", "list", "watch"}},
		"v1/endpoints":                     {SingularName: "endpoints", Kind: "Endpoints", Namespaced: true, ShortNames: []string{"ep"}, Verbs: []string{"get", "list", "watch"}},
		"v1/persistentvolumes":             {SingularName: "persistentvolume", Kind: "PersistentVolume", ShortNames: []string{"pv"}, Verbs: []string{"get", "list", "watch"}},
		"storage.k8s.io/v1/storageclasses": {SingularName: "storageclass", Kind: "StorageClass", ShortNames: []string{"sc"}, Verbs: all},
		"authorization.k8s.io/v1/selfsubjectaccessreviews":  {SingularName: "selfsubjectaccessreview", Kind: "SelfSubjectAccessReview", Verbs: []string{"create"}},
		"authorization.k8s.io/v1/selfsubjectrulesreviews":   {SingularName: "selfsubjectrulesreview", Kind: "SelfSubjectRulesReview", Verbs: []string{"create"}},
		"apiextensions.k8s.io/v1/customresourcedefinitions": {SingularName: "customresourcedefinition", Kind: "CustomResourceDefinition", ShortNames: []string{"crd", "crds"}, Verbs: []string{"get", "list", "watch"}},
	} {
		got, ok := found[name]
		require.True(t, ok, name)
		assert.Equal(t, want.SingularName, got.SingularName, name)
		assert.Equal(t, want.Kind, got.Kind, name)
		assert.Equal(t, want.Namespaced, got.Namespaced, name)
		assert.Equal(t, want.ShortNames, got.ShortNames, name)
		assert.ElementsMatch(t, want.Verbs, got.Verbs, name)
	}
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}
