// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// collected is how long the controllers may take to act on a deletion: they
// learn of new kinds each 30 s.
const collected = 90 * time.Second

var (
	configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	claims     = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
)

const claimManifest = `
kind: PersistentVolumeClaim
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
`

// ownable holds one of each kind of ours and of two of the cluster's.
func ownable() map[schema.GroupVersionResource]string {
	all := maps.Clone(manifests)
	all[configMaps] = "kind: ConfigMap"
	all[claims] = claimManifest
	return all
}

func TestNamespaceDeletionTakesEverythingAlong(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	for resource := range manifests {
		for _, name := range []string{"one", "two"} {
			shared.create(t, resource, ns, name)
		}
	}
	shared.kubectl(t, "delete", "namespace", ns, "--timeout=60s")
	for resource := range manifests {
		list, err := shared.dynamic.Resource(resource).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		for _, item := range list.Items {
			assert.NotEqual(t, ns, item.GetNamespace(), "%s outlived its namespace", resource.Resource)
		}
	}
}

func TestNothingIsCreatedInANamespaceThatIsMissingOrGoing(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	keep := object(t, machines, machineManifest, "keeper")
	keep.SetFinalizers([]string{"example.com/keep"})
	_, err := shared.dynamic.Resource(machines).Namespace(ns).Create(t.Context(), keep, metav1.CreateOptions{})
	require.NoError(t, err)
	shared.kubectl(t, "delete", "namespace", ns, "--wait=false")
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		_, err := shared.dynamic.Resource(machines).Namespace(ns).
			Create(t.Context(), object(t, machines, machineManifest, "late"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		assert.True(c, apierrors.IsForbidden(err), "%v", err)
	}, soon, tick)
	shared.kubectl(t, "-n", ns, "patch", "vm", "keeper", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	shared.kubectl(t, "wait", "namespace", ns, "--for=delete", "--timeout=60s")

	_, err = shared.dynamic.Resource(machines).Namespace("no-such-namespace").
		Create(t.Context(), object(t, machines, machineManifest, "one"), metav1.CreateOptions{})
	assert.True(t, apierrors.IsNotFound(err), "%v", err)
}

// Owner and owned live in two servers here, in both directions.
func TestGarbageCollectionCrossesServers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ owner, owned schema.GroupVersionResource }{
		{machines, configMaps},
		{machines, claims},
		{machines, instances},
		{dataVolumes, claims},
		{configMaps, machines},
		{claims, dataVolumes},
		{claims, instances},
	} {
		t.Run(test.owned.Resource+" of "+test.owner.Resource, func(t *testing.T) {
			t.Parallel()
			ns := shared.namespace(t)
			owner := createOwned(t, test.owner, ns, "owner", nil)
			createOwned(t, test.owned, ns, "owned", owner)
			createOwned(t, test.owned, ns, "other", nil)
			remove(t, test.owner, ns, "owner", metav1.DeletePropagationBackground)
			awaitGone(t, test.owned, ns, "owned")
			_, err := shared.dynamic.Resource(test.owned).Namespace(ns).Get(t.Context(), "other", metav1.GetOptions{})
			assert.NoError(t, err, "what was not owned went too")
		})
	}
}

func TestForegroundDeletionWaitsForTheOwned(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	owner := createOwned(t, machines, ns, "owner", nil)
	createOwned(t, configMaps, ns, "owned", owner)
	holdConfigMap(t, ns, "owned", "example.com/keep")
	remove(t, machines, ns, "owner", metav1.DeletePropagationForeground)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		found, err := shared.dynamic.Resource(configMaps).Namespace(ns).Get(t.Context(), "owned", metav1.GetOptions{})
		require.NoError(c, err)
		assert.NotNil(c, found.GetDeletionTimestamp())
	}, collected, tick)
	found, err := shared.dynamic.Resource(machines).Namespace(ns).Get(t.Context(), "owner", metav1.GetOptions{})
	require.NoError(t, err, "the owner went before what it owns")
	assert.Contains(t, found.GetFinalizers(), metav1.FinalizerDeleteDependents)
	holdConfigMap(t, ns, "owned")
	awaitGone(t, machines, ns, "owner")
}

func TestOrphansStay(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t)
	owner := createOwned(t, machines, ns, "owner", nil)
	createOwned(t, instances, ns, "owned", owner)
	remove(t, machines, ns, "owner", metav1.DeletePropagationOrphan)
	awaitGone(t, machines, ns, "owner")
	found, err := shared.dynamic.Resource(instances).Namespace(ns).Get(t.Context(), "owned", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Empty(t, found.GetOwnerReferences())
}

// createOwned makes an object of ours or of the cluster's with at most one owner.
func createOwned(t *testing.T, gvr schema.GroupVersionResource, ns, name string, owner *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	o := object(t, gvr, ownable()[gvr], name)
	if owner != nil {
		block := true
		o.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(), UID: owner.GetUID(), BlockOwnerDeletion: &block,
		}})
	}
	created, err := shared.dynamic.Resource(gvr).Namespace(ns).Create(t.Context(), o, metav1.CreateOptions{})
	require.NoError(t, err)
	return created
}

func remove(t *testing.T, gvr schema.GroupVersionResource, ns, name string, propagation metav1.DeletionPropagation) {
	t.Helper()
	err := shared.dynamic.Resource(gvr).Namespace(ns).Delete(t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &propagation})
	require.NoError(t, err)
}

func awaitGone(t *testing.T, gvr schema.GroupVersionResource, ns, name string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		_, err := shared.dynamic.Resource(gvr).Namespace(ns).Get(t.Context(), name, metav1.GetOptions{})
		assert.True(c, apierrors.IsNotFound(err), "%s %s is still there: %v", gvr.Resource, name, err)
	}, collected, tick)
}

// holdConfigMap sets the finalizers that keep a ConfigMap from going.
func holdConfigMap(t *testing.T, ns, name string, finalizers ...string) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": finalizers}})
	require.NoError(t, err)
	_, err = shared.dynamic.Resource(configMaps).Namespace(ns).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{})
	require.NoError(t, err)
}
