// SPDX-License-Identifier: Apache-2.0

package kubevirt_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/kubevirt"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

func newStorage(t *testing.T) (*kubevirt.REST, context.Context) {
	t.Helper()
	storage, err := kubevirt.NewStorage(etcd.Storage(t))
	require.NoError(t, err)
	t.Cleanup(storage.Destroy)
	return storage, genericapirequest.WithNamespace(registrytest.As(t, "admin"), kubevirtv1.KubeVirtNamespace)
}

func settings(name string) *kubevirtv1.KubeVirt {
	return &kubevirtv1.KubeVirt{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: kubevirtv1.KubeVirtNamespace},
		Status:     kubevirtv1.KubeVirtStatus{Phase: "Made up"},
	}
}

func TestStatusIsThatOfTheServerThatAnswers(t *testing.T) {
	storage, ctx := newStorage(t)
	_, err := storage.Create(ctx, settings("kubevirt"), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.NoError(t, err)
	got, err := storage.Get(ctx, "kubevirt", &metav1.GetOptions{})
	require.NoError(t, err)
	status := got.(*kubevirtv1.KubeVirt).Status
	assert.Equal(t, kubevirtv1.KubeVirtPhaseDeployed, status.Phase)
	assert.Equal(t, version.KubeVirt().GitVersion, status.ObservedKubeVirtVersion)
	list, err := storage.List(ctx, &metainternalversion.ListOptions{})
	require.NoError(t, err)
	assert.Equal(t, status, list.(*kubevirtv1.KubeVirtList).Items[0].Status)
}

// What KubeVirt's functional tests and installers wait for.
func TestConditionsAreThoseOfAnInstallationThatServes(t *testing.T) {
	storage, ctx := newStorage(t)
	made, err := storage.Create(ctx, settings("kubevirt"), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.NoError(t, err)
	kv := made.(*kubevirtv1.KubeVirt)
	assert.Equal(t, kv.Generation, *kv.Status.ObservedGeneration)
	found := map[string]string{}
	for _, condition := range kv.Status.Conditions {
		found[string(condition.Type)] = string(condition.Status)
		assert.Equal(t, kv.CreationTimestamp, condition.LastTransitionTime)
	}
	assert.Equal(t, map[string]string{"Available": "True", "Progressing": "False", "Degraded": "False", "Created": "True"}, found)
}

func TestSettingsOfTheStockManifestAreKept(t *testing.T) {
	storage, ctx := newStorage(t)
	stock := settings("kubevirt")
	require.NoError(t, json.Unmarshal([]byte(`{"certificateRotateStrategy":{},"customizeComponents":{},
		"workloadUpdateStrategy":{"workloadUpdateMethods":[]}}`), &stock.Spec))
	_, err := storage.Create(ctx, stock, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.NoError(t, err)
	got, err := storage.Get(ctx, "kubevirt", &metav1.GetOptions{})
	require.NoError(t, err)
	text, err := json.Marshal(got.(*kubevirtv1.KubeVirt).Spec)
	require.NoError(t, err)
	assert.JSONEq(t, `{"configuration":{},"certificateRotateStrategy":{},"customizeComponents":{},
		"workloadUpdateStrategy":{"workloadUpdateMethods":[]}}`, string(text))
}

func TestThereIsOneKubeVirt(t *testing.T) {
	storage, ctx := newStorage(t)
	_, err := storage.Create(ctx, settings("second"), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	assert.True(t, apierrors.IsInvalid(err), "%v", err)
}

func TestChangeOfTheVerbosityIsANewGeneration(t *testing.T) {
	storage, ctx := newStorage(t)
	_, err := storage.Create(ctx, settings("kubevirt"), rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	require.NoError(t, err)
	info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		changed := old.DeepCopyObject().(*kubevirtv1.KubeVirt)
		changed.Spec.Configuration.DeveloperConfiguration = &kubevirtv1.DeveloperConfiguration{LogVerbosity: &kubevirtv1.LogVerbosity{VirtAPI: ptr.To[int32](4)}}
		return changed, nil
	})
	for range 2 {
		obj, _, err := storage.Update(ctx, "kubevirt", info, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
		require.NoError(t, err)
		assert.Equal(t, int64(2), obj.(*kubevirtv1.KubeVirt).Generation)
	}
}

func TestClientsCanPatchBelowAnEmptyConfiguration(t *testing.T) {
	text, err := json.Marshal(settings("kubevirt"))
	require.NoError(t, err)
	assert.Contains(t, string(text), `"spec":{"configuration":{}}`)
}
