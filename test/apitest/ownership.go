// SPDX-License-Identifier: Apache-2.0

package apitest

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
	all := maps.Clone(Manifests)
	all[configMaps] = "kind: ConfigMap"
	all[claims] = claimManifest
	return all
}

func (a *API) namespaceDeletionTakesEverythingAlong(t *testing.T) {
	ns := a.Namespace(t)
	for resource := range Manifests {
		for _, name := range []string{"one", "two"} {
			a.Create(t, resource, ns, name)
		}
	}
	a.Kubectl(t, "delete", "namespace", ns, "--timeout=300s")
	for resource := range Manifests {
		list, err := a.Dynamic.Resource(resource).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		for _, item := range list.Items {
			assert.NotEqual(t, ns, item.GetNamespace(), "%s outlived its namespace", resource.Resource)
		}
	}
}

func (a *API) nothingIsCreatedInANamespaceThatIsGoing(t *testing.T) {
	ns := a.Namespace(t)
	keep := Object(t, Machines, machineManifest, "keeper")
	keep.SetFinalizers([]string{"example.com/keep"})
	_, err := a.Dynamic.Resource(Machines).Namespace(ns).Create(t.Context(), keep, metav1.CreateOptions{})
	require.NoError(t, err)
	a.Kubectl(t, "delete", "namespace", ns, "--wait=false")
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		_, err := a.Dynamic.Resource(Machines).Namespace(ns).
			Create(t.Context(), Object(t, Machines, machineManifest, "late"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		assert.True(c, apierrors.IsForbidden(err), "%v", err)
	}, soon, tick)
	a.Kubectl(t, "-n", ns, "patch", "vm", "keeper", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	a.Kubectl(t, "wait", "namespace", ns, "--for=delete", "--timeout=300s")

	_, err = a.Dynamic.Resource(Machines).Namespace("no-such-namespace").
		Create(t.Context(), Object(t, Machines, machineManifest, "one"), metav1.CreateOptions{})
	assert.True(t, apierrors.IsNotFound(err), "%v", err)
}

// Owner and owned live in two servers here, in both directions.
func (a *API) ownedIsCollected(t *testing.T) {
	for _, test := range []struct{ owner, owned schema.GroupVersionResource }{
		{Machines, configMaps},
		{Machines, claims},
		{Machines, Instances},
		{DataVolumes, claims},
		{configMaps, Machines},
		{claims, DataVolumes},
		{claims, Instances},
	} {
		t.Run(test.owned.Resource+" of "+test.owner.Resource, func(t *testing.T) {
			t.Parallel()
			ns := a.Namespace(t)
			owner := a.createOwned(t, test.owner, ns, "owner", nil)
			a.createOwned(t, test.owned, ns, "owned", owner)
			a.createOwned(t, test.owned, ns, "other", nil)
			a.remove(t, test.owner, ns, "owner", metav1.DeletePropagationBackground)
			a.awaitGone(t, test.owned, ns, "owned")
			_, err := a.Dynamic.Resource(test.owned).Namespace(ns).Get(t.Context(), "other", metav1.GetOptions{})
			assert.NoError(t, err, "what was not owned went too")
		})
	}
}

func (a *API) foregroundDeletionWaits(t *testing.T) {
	ns := a.Namespace(t)
	owner := a.createOwned(t, Machines, ns, "owner", nil)
	a.createOwned(t, configMaps, ns, "owned", owner)
	a.holdConfigMap(t, ns, "owned", "example.com/keep")
	a.remove(t, Machines, ns, "owner", metav1.DeletePropagationForeground)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		found, err := a.Dynamic.Resource(configMaps).Namespace(ns).Get(t.Context(), "owned", metav1.GetOptions{})
		require.NoError(c, err)
		assert.NotNil(c, found.GetDeletionTimestamp())
	}, collected, tick)
	found, err := a.Dynamic.Resource(Machines).Namespace(ns).Get(t.Context(), "owner", metav1.GetOptions{})
	require.NoError(t, err, "the owner went before what it owns")
	assert.Contains(t, found.GetFinalizers(), metav1.FinalizerDeleteDependents)
	a.holdConfigMap(t, ns, "owned")
	a.awaitGone(t, Machines, ns, "owner")
}

func (a *API) orphansStay(t *testing.T) {
	ns := a.Namespace(t)
	owner := a.createOwned(t, Machines, ns, "owner", nil)
	a.createOwned(t, Instances, ns, "owned", owner)
	a.remove(t, Machines, ns, "owner", metav1.DeletePropagationOrphan)
	a.awaitGone(t, Machines, ns, "owner")
	found, err := a.Dynamic.Resource(Instances).Namespace(ns).Get(t.Context(), "owned", metav1.GetOptions{})
	require.NoError(t, err)
	assert.Empty(t, found.GetOwnerReferences())
}

// createOwned makes an object of ours or of the cluster's with at most one owner.
func (a *API) createOwned(t *testing.T, gvr schema.GroupVersionResource, ns, name string, owner *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	o := Object(t, gvr, ownable()[gvr], name)
	if owner != nil {
		block := true
		o.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(), UID: owner.GetUID(), BlockOwnerDeletion: &block,
		}})
	}
	created, err := a.Dynamic.Resource(gvr).Namespace(ns).Create(t.Context(), o, metav1.CreateOptions{})
	require.NoError(t, err)
	return created
}

func (a *API) remove(t *testing.T, gvr schema.GroupVersionResource, ns, name string, propagation metav1.DeletionPropagation) {
	t.Helper()
	err := a.Dynamic.Resource(gvr).Namespace(ns).Delete(t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &propagation})
	require.NoError(t, err)
}

func (a *API) awaitGone(t *testing.T, gvr schema.GroupVersionResource, ns, name string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		_, err := a.Dynamic.Resource(gvr).Namespace(ns).Get(t.Context(), name, metav1.GetOptions{})
		assert.True(c, apierrors.IsNotFound(err), "%s %s is still there: %v", gvr.Resource, name, err)
	}, collected, tick)
}

// holdConfigMap sets the finalizers that keep a ConfigMap from going.
func (a *API) holdConfigMap(t *testing.T, ns, name string, finalizers ...string) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": finalizers}})
	require.NoError(t, err)
	_, err = a.Dynamic.Resource(configMaps).Namespace(ns).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{})
	require.NoError(t, err)
}
