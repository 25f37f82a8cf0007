// SPDX-License-Identifier: Apache-2.0

package core_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// assertInvalid expects the 422 that names each field of want.
func assertInvalid(t *testing.T, err error, want ...string) {
	t.Helper()
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	var status apierrors.APIStatus
	require.ErrorAs(t, err, &status)
	var fields []string
	for _, cause := range status.Status().Details.Causes {
		fields = append(fields, cause.Field)
	}
	assert.ElementsMatch(t, want, fields, "%v", err)
}

func TestInvalidSecretsAreRefused(t *testing.T) {
	secrets := kube().CoreV1().Secrets(newNamespace(t))
	for name, tc := range map[string]struct {
		secret corev1.Secret
		fields []string
	}{
		"bad name":               {corev1.Secret{ObjectMeta: named("A_b")}, []string{"metadata.name"}},
		"bad key":                {corev1.Secret{Data: map[string][]byte{"a/b": nil}}, []string{"data[a/b]"}},
		"bad key of a text":      {corev1.Secret{StringData: map[string]string{"a/b": ""}}, []string{"data[a/b]"}},
		"too large":              {corev1.Secret{Data: map[string][]byte{"a": make([]byte, 600<<10), "b": make([]byte, 600<<10)}}, []string{"data"}},
		"token of nobody":        {corev1.Secret{Type: corev1.SecretTypeServiceAccountToken}, []string{"metadata.annotations[kubernetes.io/service-account.name]"}},
		"no docker config":       {corev1.Secret{Type: corev1.SecretTypeDockerConfigJson}, []string{"data[.dockerconfigjson]"}},
		"docker config no JSON":  {corev1.Secret{Type: corev1.SecretTypeDockerConfigJson, StringData: map[string]string{".dockerconfigjson": "{"}}, []string{"data[.dockerconfigjson]"}},
		"old docker config":      {corev1.Secret{Type: corev1.SecretTypeDockercfg, StringData: map[string]string{".dockercfg": "x"}}, []string{"data[.dockercfg]"}},
		"basic auth of nobody":   {corev1.Secret{Type: corev1.SecretTypeBasicAuth}, []string{"data[username]", "data[password]"}},
		"ssh without a key":      {corev1.Secret{Type: corev1.SecretTypeSSHAuth, Data: map[string][]byte{"ssh-privatekey": {}}}, []string{"data[ssh-privatekey]"}},
		"TLS without a key":      {corev1.Secret{Type: corev1.SecretTypeTLS, StringData: map[string]string{"tls.crt": ""}}, []string{"data[tls.key]"}},
		"TLS without any of two": {corev1.Secret{Type: corev1.SecretTypeTLS}, []string{"data[tls.crt]", "data[tls.key]"}},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.secret.Name == "" {
				tc.secret.Name = "a"
			}
			_, err := secrets.Create(t.Context(), &tc.secret, metav1.CreateOptions{})
			assertInvalid(t, err, tc.fields...)
			assert.NotContains(t, err.Error(), "{\"", "the error shows a secret")
		})
	}
}

func TestTextsOfASecretBecomeItsData(t *testing.T) {
	secrets := kube().CoreV1().Secrets(newNamespace(t))
	made, err := secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: named("a"),
		Data: map[string][]byte{"k": []byte("old"), "o": []byte("o")}, StringData: map[string]string{"k": "new"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"k": []byte("new"), "o": []byte("o")}, made.Data)
	assert.Nil(t, made.StringData)
	assert.Equal(t, corev1.SecretTypeOpaque, made.Type)

	made.StringData = map[string]string{"k": "newer"}
	updated, err := secrets.Update(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
	assert.Equal(t, "newer", string(updated.Data["k"]))

	updated.Type = "example/other"
	_, err = secrets.Update(t.Context(), updated, metav1.UpdateOptions{})
	assertInvalid(t, err, "type")
}

func TestImmutableDataStay(t *testing.T) {
	namespace := newNamespace(t)
	secrets, maps := kube().CoreV1().Secrets(namespace), kube().CoreV1().ConfigMaps(namespace)
	secret, err := secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: named("a"), Immutable: new(true)}, metav1.CreateOptions{})
	require.NoError(t, err)
	secret.Immutable, secret.StringData = nil, map[string]string{"k": "v"}
	_, err = secrets.Update(t.Context(), secret, metav1.UpdateOptions{})
	assertInvalid(t, err, "immutable", "data")

	made, err := maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: named("a"), Immutable: new(true)}, metav1.CreateOptions{})
	require.NoError(t, err)
	made.Labels = map[string]string{"a": "b"}
	made, err = maps.Update(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err, "metadata may change")
	made.Immutable, made.Data, made.BinaryData = new(false), map[string]string{"k": "v"}, map[string][]byte{"b": {1}}
	_, err = maps.Update(t.Context(), made, metav1.UpdateOptions{})
	assertInvalid(t, err, "immutable", "data", "binaryData")
}

func TestInvalidConfigMapsAreRefused(t *testing.T) {
	maps := kube().CoreV1().ConfigMaps(newNamespace(t))
	for name, tc := range map[string]struct {
		object corev1.ConfigMap
		fields []string
	}{
		"bad keys":  {corev1.ConfigMap{Data: map[string]string{"..": ""}, BinaryData: map[string][]byte{"a b": nil}}, []string{"data[..]", "binaryData[a b]"}},
		"key twice": {corev1.ConfigMap{Data: map[string]string{"a": ""}, BinaryData: map[string][]byte{"a": nil}}, []string{"data[a]"}},
		"too large": {corev1.ConfigMap{Data: map[string]string{"a": strings.Repeat("x", 1<<20), "b": "x"}}, []string{"data"}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.object.Name = "a"
			_, err := maps.Create(t.Context(), &tc.object, metav1.CreateOptions{})
			assertInvalid(t, err, tc.fields...)
		})
	}
}

func TestStorageClassesAreDefaultedAndKept(t *testing.T) {
	classes := kube().StorageV1().StorageClasses()
	_, err := classes.Create(t.Context(), &storagev1.StorageClass{ObjectMeta: named("bad"),
		ReclaimPolicy: new(corev1.PersistentVolumeReclaimRecycle), VolumeBindingMode: new(storagev1.VolumeBindingMode("Later"))}, metav1.CreateOptions{})
	assertInvalid(t, err, "provisioner", "reclaimPolicy", "volumeBindingMode")

	class, err := classes.Create(t.Context(), &storagev1.StorageClass{ObjectMeta: named("other"), Provisioner: "example.com/other"}, metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Equal(t, corev1.PersistentVolumeReclaimDelete, *class.ReclaimPolicy)
	assert.Equal(t, storagev1.VolumeBindingImmediate, *class.VolumeBindingMode)

	class.Provisioner, class.ReclaimPolicy = "example.com/new", new(corev1.PersistentVolumeReclaimRetain)
	class.Parameters, class.VolumeBindingMode = map[string]string{"a": "b"}, new(storagev1.VolumeBindingWaitForFirstConsumer)
	_, err = classes.Update(t.Context(), class, metav1.UpdateOptions{})
	assertInvalid(t, err, "provisioner", "reclaimPolicy", "parameters", "volumeBindingMode")
}

func TestEventsBelongToTheNamespaceOfTheirObject(t *testing.T) {
	namespace := newNamespace(t)
	events := kube().CoreV1().Events(namespace)
	now := metav1.NowMicro()
	for name, tc := range map[string]struct {
		event  corev1.Event
		fields []string
	}{
		"another namespace":             {corev1.Event{InvolvedObject: corev1.ObjectReference{Namespace: "default"}}, []string{"involvedObject.namespace"}},
		"no namespace":                  {corev1.Event{}, []string{"involvedObject.namespace"}},
		"new form, nobody reports":      {corev1.Event{EventTime: now, InvolvedObject: corev1.ObjectReference{Namespace: namespace}}, []string{"reportingComponent", "reportingInstance"}},
		"new form, who reports is long": {corev1.Event{EventTime: now, InvolvedObject: corev1.ObjectReference{Namespace: namespace}, ReportingController: "a b", ReportingInstance: strings.Repeat("x", 129)}, []string{"reportingComponent", "reportingInstance"}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.event.Name = "a"
			_, err := events.Create(t.Context(), &tc.event, metav1.CreateOptions{})
			assertInvalid(t, err, tc.fields...)
		})
	}
	_, err := events.Create(t.Context(), &corev1.Event{ObjectMeta: named("ok"), Reason: "Tested", InvolvedObject: corev1.ObjectReference{Namespace: namespace, Name: "x"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	found, err := events.List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=x,reason=Tested"})
	require.NoError(t, err)
	assert.Len(t, found.Items, 1)
}
