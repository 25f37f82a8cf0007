// SPDX-License-Identifier: Apache-2.0

package core_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

func storage(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
}

func claim(name string, change func(*corev1.PersistentVolumeClaimSpec)) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: named(name), Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: storage("1Gi")},
	}}
	if change != nil {
		change(&claim.Spec)
	}
	return claim
}

func TestClaimsAreDefaulted(t *testing.T) {
	claims := kube().CoreV1().PersistentVolumeClaims(newNamespace(t))
	made, err := claims.Create(t.Context(), claim("a", nil), metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Equal(t, "local", *made.Spec.StorageClassName)
	assert.Equal(t, corev1.PersistentVolumeFilesystem, *made.Spec.VolumeMode)
	assert.Equal(t, corev1.ClaimPending, made.Status.Phase)

	applied, err := claims.Patch(t.Context(), "applied", types.ApplyYAMLPatchType, []byte(`{
		"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "applied"},
		"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}`), metav1.PatchOptions{FieldManager: "test"})
	require.NoError(t, err)
	assert.Equal(t, "local", *applied.Spec.StorageClassName, "server-side apply makes objects by another way")

	none, err := claims.Create(t.Context(), claim("b", func(spec *corev1.PersistentVolumeClaimSpec) { spec.StorageClassName = new("") }), metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Empty(t, *none.Spec.StorageClassName)
}

func TestInvalidClaimsAreRefused(t *testing.T) {
	claims := kube().CoreV1().PersistentVolumeClaims(newNamespace(t))
	for name, tc := range map[string]struct {
		change func(*corev1.PersistentVolumeClaimSpec)
		fields []string
	}{
		"nothing said": {func(s *corev1.PersistentVolumeClaimSpec) { *s = corev1.PersistentVolumeClaimSpec{} }, []string{"spec.accessModes", "spec.resources.requests[storage]"}},
		"unknown mode": {func(s *corev1.PersistentVolumeClaimSpec) { s.AccessModes[0] = "Any" }, []string{"spec.accessModes[0]"}},
		"pod's own": {func(s *corev1.PersistentVolumeClaimSpec) {
			s.AccessModes = append(s.AccessModes, corev1.ReadWriteOncePod)
		}, []string{"spec.accessModes"}},
		"no size":        {func(s *corev1.PersistentVolumeClaimSpec) { s.Resources.Requests = storage("0") }, []string{"spec.resources.requests[storage]"}},
		"negative size":  {func(s *corev1.PersistentVolumeClaimSpec) { s.Resources.Requests = storage("-1") }, []string{"spec.resources.requests[storage]"}},
		"absurd size":    {func(s *corev1.PersistentVolumeClaimSpec) { s.Resources.Requests = storage("2Pi") }, []string{"spec.resources.requests[storage]"}},
		"other requests": {func(s *corev1.PersistentVolumeClaimSpec) { s.Resources.Requests["cpu"] = resource.MustParse("1") }, []string{"spec.resources.requests[cpu]"}},
		"limits":         {func(s *corev1.PersistentVolumeClaimSpec) { s.Resources.Limits = storage("1Gi") }, []string{"spec.resources.limits"}},
		"mode unknown":   {func(s *corev1.PersistentVolumeClaimSpec) { s.VolumeMode = new(corev1.PersistentVolumeMode("File")) }, []string{"spec.volumeMode"}},
		"block device no name": {func(s *corev1.PersistentVolumeClaimSpec) {
			s.VolumeMode, s.VolumeName = new(corev1.PersistentVolumeBlock), "/dev/sdb"
		}, []string{"spec.volumeName"}},
		"what it cannot have": {func(s *corev1.PersistentVolumeClaimSpec) {
			s.VolumeName, s.Selector, s.VolumeAttributesClassName = "pv", &metav1.LabelSelector{}, new("x")
			s.DataSource, s.DataSourceRef = &corev1.TypedLocalObjectReference{}, &corev1.TypedObjectReference{}
		}, []string{"spec.volumeName", "spec.selector", "spec.dataSource", "spec.dataSourceRef", "spec.volumeAttributesClassName"}},
		"class no name": {func(s *corev1.PersistentVolumeClaimSpec) { s.StorageClassName = new("A b") }, []string{"spec.storageClassName"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := claims.Create(t.Context(), claim("a", tc.change), metav1.CreateOptions{})
			assertInvalid(t, err, tc.fields...)
		})
	}
}

func TestBoundClaimsGrowAndNothingElse(t *testing.T) {
	claims := kube().CoreV1().PersistentVolumeClaims(newNamespace(t))
	made, err := claims.Create(t.Context(), claim("a", nil), metav1.CreateOptions{})
	require.NoError(t, err)
	resize := func(size string) error {
		_, err := claims.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"spec":{"resources":{"requests":{"storage":"`+size+`"}}}}`), metav1.PatchOptions{})
		return err
	}
	assertInvalid(t, resize("2Gi"), "spec")

	made.Spec.VolumeName = "pvc-1"
	made, err = claims.Update(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
	made.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: storage("1Gi"), AccessModes: made.Spec.AccessModes}
	made.Spec.VolumeName = "other"
	made, err = claims.UpdateStatus(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
	assert.Equal(t, "pvc-1", made.Spec.VolumeName, "the status has its own route")

	require.NoError(t, resize("3Gi"))
	require.NoError(t, resize("2Gi"), "a request that was not met yet can be lowered")
	assertInvalid(t, resize("512Mi"), "spec.resources.requests[storage]")
	assertInvalid(t, resize("2Pi"), "spec.resources.requests[storage]")
	for name, patch := range map[string]string{
		"volume": `{"spec":{"volumeName":"other"}}`,
		"class":  `{"spec":{"storageClassName":"other"}}`,
		"modes":  `{"spec":{"accessModes":["ReadWriteMany"]}}`,
	} {
		_, err := claims.Patch(t.Context(), "a", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		require.Error(t, err, name)
		assertInvalid(t, err, "spec")
	}
}

func TestClaimsOfBlockDevicesNameThemOnceAndForAll(t *testing.T) {
	claims := kube().CoreV1().PersistentVolumeClaims(newNamespace(t))
	device := func(s *corev1.PersistentVolumeClaimSpec) {
		s.VolumeMode, s.VolumeName = new(corev1.PersistentVolumeBlock), "tape-1"
	}
	made, err := claims.Create(t.Context(), claim("a", device), metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Equal(t, "local", *made.Spec.StorageClassName)
	_, err = claims.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"spec":{"volumeName":"other"}}`), metav1.PatchOptions{})
	assertInvalid(t, err, "spec")

	imported := claim("b", device)
	imported.Annotations = map[string]string{"cdi.kubevirt.io/createdForDataVolume": "1"}
	_, err = claims.Create(t.Context(), imported, metav1.CreateOptions{})
	assertInvalid(t, err, "spec.volumeName")

	nameless, err := claims.Create(t.Context(), claim("c", func(s *corev1.PersistentVolumeClaimSpec) {
		s.VolumeMode = new(corev1.PersistentVolumeBlock)
	}), metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Equal(t, corev1.PersistentVolumeBlock, *nameless.Spec.VolumeMode)
}

func TestClaimsThatWouldStayEmptyAreRefused(t *testing.T) {
	claims := kube().CoreV1().PersistentVolumeClaims(newNamespace(t))
	for i, name := range cdiv1.FillingAnnotations() {
		asked := claim(fmt.Sprintf("a%d", i), nil)
		asked.Annotations = map[string]string{name: ""}
		_, err := claims.Create(t.Context(), asked, metav1.CreateOptions{})
		assertInvalid(t, err, "metadata.annotations["+name+"]")
		asked.Annotations["cdi.kubevirt.io/storage.pod.phase"] = "Succeeded"
		_, err = claims.Create(t.Context(), asked, metav1.CreateOptions{})
		require.NoError(t, err, "it was restored from a backup")
	}
}

func TestInvalidStatusOfAClaimIsRefused(t *testing.T) {
	claims := kube().CoreV1().PersistentVolumeClaims(newNamespace(t))
	made, err := claims.Create(t.Context(), claim("a", nil), metav1.CreateOptions{})
	require.NoError(t, err)
	made.Status = corev1.PersistentVolumeClaimStatus{Phase: "Odd", Capacity: storage("-1"), AccessModes: []corev1.PersistentVolumeAccessMode{"Any"}}
	_, err = claims.UpdateStatus(t.Context(), made, metav1.UpdateOptions{})
	assertInvalid(t, err, "status.phase", "status.capacity[storage]", "status.accessModes[0]")
}
