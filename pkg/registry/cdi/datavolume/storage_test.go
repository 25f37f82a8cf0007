// SPDX-License-Identifier: Apache-2.0

package datavolume_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/yaml"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/cdi/datavolume"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/registrytest"
)

// newStorage refuses eve what refuse says.
func newStorage(t *testing.T, refuse func(authorizer.Attributes) bool) *datavolume.Storage {
	t.Helper()
	getter, scheme := etcd.Storage(t)
	storage, err := datavolume.NewStorage(getter, scheme, reference.NewAuthorizer(registrytest.Allow(func(a authorizer.Attributes) bool {
		return a.GetUser().GetName() == "eve" && refuse(a)
	})))
	require.NoError(t, err)
	t.Cleanup(storage.DataVolume.Destroy)
	return storage
}

func allowAll(authorizer.Attributes) bool { return false }

// filled returns a DataVolume of that source.
func filled(t *testing.T, name, source string) *cdiv1.DataVolume {
	t.Helper()
	dv := &cdiv1.DataVolume{}
	require.NoError(t, yaml.UnmarshalStrict([]byte("{source: {"+source+"}, storage: {resources: {requests: {storage: 1Gi}}}}"), &dv.Spec))
	dv.Name, dv.Namespace = name, registrytest.Namespace
	return dv
}

func create(ctx context.Context, storage *datavolume.Storage, dv *cdiv1.DataVolume) (*cdiv1.DataVolume, error) {
	obj, err := storage.DataVolume.Create(ctx, dv, rest.ValidateAllObjectFunc, &metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	return obj.(*cdiv1.DataVolume), nil
}

func update(ctx context.Context, store rest.Updater, name string, change func(*cdiv1.DataVolume)) (*cdiv1.DataVolume, error) {
	info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		changed := old.DeepCopyObject().(*cdiv1.DataVolume)
		change(changed)
		return changed, nil
	})
	obj, _, err := store.Update(ctx, name, info, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, &metav1.UpdateOptions{})
	if err != nil {
		return nil, err
	}
	return obj.(*cdiv1.DataVolume), nil
}

func TestTheSpecDoesNotChangeOnceItIsMade(t *testing.T) {
	storage, ctx := newStorage(t, allowAll), registrytest.As(t, "user")
	first, err := create(ctx, storage, filled(t, "dv", "http: {url: 'https://a.example/i'}"))
	require.NoError(t, err)
	assert.EqualValues(t, 1, first.Generation)
	for name, text := range map[string]string{
		"another server": "{source: {http: {url: 'https://b.example/i'}}, storage: {resources: {requests: {storage: 1Gi}}}}",
		"another source": "{source: {blank: {}}, storage: {resources: {requests: {storage: 1Gi}}}}",
		"a Secret":       "{source: {http: {url: 'https://a.example/i', secretRef: s}}, storage: {resources: {requests: {storage: 1Gi}}}}",
		"another size":   "{source: {http: {url: 'https://a.example/i'}}, storage: {resources: {requests: {storage: 2Gi}}}}",
		"another class":  "{source: {http: {url: 'https://a.example/i'}}, storage: {storageClassName: x, resources: {requests: {storage: 1Gi}}}}",
		"a claim's spec": "{source: {http: {url: 'https://a.example/i'}}, pvc: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
		"preallocation":  "{source: {http: {url: 'https://a.example/i'}}, preallocation: true, storage: {resources: {requests: {storage: 1Gi}}}}",
		"content":        "{source: {http: {url: 'https://a.example/i'}}, contentType: kubevirt, storage: {resources: {requests: {storage: 1Gi}}}}",
	} {
		_, err := update(ctx, storage.DataVolume, "dv", func(dv *cdiv1.DataVolume) {
			dv.Spec = cdiv1.DataVolumeSpec{}
			require.NoError(t, yaml.UnmarshalStrict([]byte(text), &dv.Spec))
		})
		require.True(t, apierrors.IsInvalid(err), "%s: %v", name, err)
		assert.ErrorContains(t, err, "spec: Forbidden", name)
	}
	relabelled, err := update(ctx, storage.DataVolume, "dv", func(dv *cdiv1.DataVolume) { dv.Labels = map[string]string{"a": "b"} })
	require.NoError(t, err)
	assert.EqualValues(t, 1, relabelled.Generation)
	assert.Equal(t, first.Spec, relabelled.Spec)
}

func TestTheStatusIsWrittenByItsSubresourceAlone(t *testing.T) {
	storage, ctx := newStorage(t, allowAll), registrytest.As(t, "user")
	dv := filled(t, "dv", "blank: {}")
	dv.Status.Phase = cdiv1.Succeeded
	made, err := create(ctx, storage, dv)
	require.NoError(t, err)
	assert.Empty(t, made.Status)
	changed, err := update(ctx, storage.DataVolume, "dv", func(dv *cdiv1.DataVolume) { dv.Status.Phase = cdiv1.Succeeded })
	require.NoError(t, err)
	assert.Empty(t, changed.Status)
	written, err := update(ctx, storage.Status, "dv", func(dv *cdiv1.DataVolume) {
		dv.Status.Phase, dv.Labels, dv.Spec.Source = cdiv1.ImportInProgress, map[string]string{"a": "b"}, nil
	})
	require.NoError(t, err)
	assert.Equal(t, cdiv1.ImportInProgress, written.Status.Phase)
	assert.Empty(t, written.Labels)
	assert.Equal(t, made.Spec, written.Spec)
}

func TestWhatASourceRefersToIsForWhoMayReadIt(t *testing.T) {
	for name, test := range map[string]struct{ source, resource, words string }{
		"the password of a server":   {"http: {url: 'https://a.example/i', secretRef: x}", "secrets", "spec.source.http.secretRef"},
		"the headers of a server":    {"http: {url: 'https://a.example/i', secretExtraHeaders: [y, x]}", "secrets", "spec.source.http.secretExtraHeaders[1]"},
		"the authority of a server":  {"http: {url: 'https://a.example/i', certConfigMap: x}", "configmaps", "spec.source.http.certConfigMap"},
		"the password of a registry": {"registry: {url: 'docker://a.example/i', secretRef: x}", "secrets", "spec.source.registry.secretRef"},
		"its authority":              {"registry: {url: 'docker://a.example/i', certConfigMap: x}", "configmaps", "spec.source.registry.certConfigMap"},
		"a claim":                    {"pvc: {namespace: default, name: x}", "persistentvolumeclaims", "spec.source.pvc.name"},
		"a claim of others":          {"pvc: {namespace: theirs, name: x}", "datavolumes", `cannot create datavolumes.cdi.kubevirt.io/source "x" in namespace "theirs"`},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			storage := newStorage(t, func(a authorizer.Attributes) bool {
				asked = append(asked, a.GetResource())
				return a.GetName() == "x"
			})
			eve, alice := registrytest.As(t, "eve"), registrytest.As(t, "alice")
			_, err := create(eve, storage, filled(t, "dv", test.source))
			require.True(t, apierrors.IsForbidden(err), "%v", err)
			assert.ErrorContains(t, err, test.words)
			assert.Contains(t, asked, test.resource)

			// As the handlers do for server-side apply.
			_, _, err = storage.DataVolume.Update(eve, "dv", rest.DefaultUpdatedObjectInfo(filled(t, "dv", test.source)),
				rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, true, &metav1.UpdateOptions{})
			assert.True(t, apierrors.IsForbidden(err), "%v", err)

			_, err = create(alice, storage, filled(t, "dv", test.source))
			require.NoError(t, err)
			asked = nil
			_, err = update(eve, storage.DataVolume, "dv", func(dv *cdiv1.DataVolume) { dv.Labels = map[string]string{"a": "b"} })
			require.NoError(t, err)
			assert.Empty(t, asked, "nothing of it is new")
		})
	}
}

func TestWhatIsWrongIsToldAfterWhatIsForbidden(t *testing.T) {
	storage := newStorage(t, func(a authorizer.Attributes) bool { return a.GetResource() == "secrets" })
	wrong := filled(t, "dv", "http: {url: 'ftp://a.example/i', secretRef: x}")
	_, err := create(registrytest.As(t, "eve"), storage, wrong.DeepCopy())
	assert.True(t, apierrors.IsForbidden(err), "%v", err)
	_, err = create(registrytest.As(t, "alice"), storage, wrong)
	assert.True(t, apierrors.IsInvalid(err), "%v", err)
}
