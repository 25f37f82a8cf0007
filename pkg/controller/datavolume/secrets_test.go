// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

func secretOf(name string, data map[string]string) *corev1.Secret {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: volume.Namespace, Name: name}, Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	return secret
}

func configMapOf(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: volume.Namespace, Name: name}, Data: data}
}

func certificate(t *testing.T) string {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

func withHTTP(change func(*cdiv1.DataVolumeSourceHTTP)) *cdiv1.DataVolume {
	return newVolume(func(dv *cdiv1.DataVolume) { change(dv.Spec.Source.HTTP) })
}

func TestTheSourceIsHandedOverWithWhatItRefersTo(t *testing.T) {
	ca := certificate(t)
	inWorld(t, func(w *world) {
		w.create(withHTTP(func(h *cdiv1.DataVolumeSourceHTTP) {
			h.SecretRef, h.CertConfigMap = ptr.To("login"), ptr.To("ca")
			h.ExtraHeaders = []string{"X-Team: a"}
			h.SecretExtraHeaders = []string{"token"}
			h.Checksum = ptr.To("md5:" + strings.Repeat("0", 32))
			h.InsecureSkipVerify = ptr.To(true)
		}))
		w.bind("claim-1")
		assert.Equal(t, &source.HTTP{
			URL: "http://host/disk.img", Username: "bob", Password: "hunter2",
			ExtraHeaders: []string{"X-Team: a", "Authorization: Bearer x", "X-Other: y"},
			CACert:       ca + "\n", InsecureSkipVerify: true, Checksum: "md5:" + strings.Repeat("0", 32),
		}, w.lastAttempt().HTTP)
		assert.False(t, w.lastAttempt().Preallocate)
	}, localClass(),
		secretOf("login", map[string]string{"accessKeyId": "bob", "secretKey": "hunter2"}),
		secretOf("token", map[string]string{"a": "Authorization: Bearer x\n", "b": "X-Other: y"}),
		configMapOf("ca", map[string]string{"ca.pem": ca}))
}

func TestABlankVolumeHasNoSource(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(newVolume(func(dv *cdiv1.DataVolume) {
			dv.Spec.Source = &cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}}
			dv.Spec.Preallocation = ptr.To(true)
		}))
		w.bind("claim-1")
		assert.Nil(t, w.lastAttempt().HTTP)
		assert.True(t, w.lastAttempt().Preallocate)
	}, localClass())
}

func TestAReferenceThatCannotBeUsedIsToldAndTriedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*cdiv1.DataVolumeSourceHTTP)
		reason string
	}{
		"no secret":             {func(h *cdiv1.DataVolumeSourceHTTP) { h.SecretRef = ptr.To("missing") }, "SecretNotFound"},
		"no login in it":        {func(h *cdiv1.DataVolumeSourceHTTP) { h.SecretRef = ptr.To("bad") }, "SecretNotValid"},
		"no header secret":      {func(h *cdiv1.DataVolumeSourceHTTP) { h.SecretExtraHeaders = []string{"missing"} }, "SecretNotFound"},
		"no header in it":       {func(h *cdiv1.DataVolumeSourceHTTP) { h.SecretExtraHeaders = []string{"bad"} }, "SecretNotValid"},
		"too much in it":        {func(h *cdiv1.DataVolumeSourceHTTP) { h.SecretExtraHeaders = []string{"large"} }, "SecretNotValid"},
		"no config map":         {func(h *cdiv1.DataVolumeSourceHTTP) { h.CertConfigMap = ptr.To("missing") }, "ConfigMapNotFound"},
		"no certificate in it":  {func(h *cdiv1.DataVolumeSourceHTTP) { h.CertConfigMap = ptr.To("bad") }, "ConfigMapNotValid"},
		"nothing in it":         {func(h *cdiv1.DataVolumeSourceHTTP) { h.CertConfigMap = ptr.To("empty") }, "ConfigMapNotValid"},
		"too many certificates": {func(h *cdiv1.DataVolumeSourceHTTP) { h.CertConfigMap = ptr.To("large") }, "ConfigMapNotValid"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.create(withHTTP(test.change))
				w.bind("claim-1")
				running := w.volume().Status.Condition(cdiv1.DataVolumeRunning)
				require.NotNil(t, running)
				assert.Equal(t, "Error", running.Reason)
				assert.Contains(t, running.Message, test.reason+": ")
				assert.NotContains(t, running.Message, "hunter2", "secrets are not told")
				assert.EqualValues(t, 1, w.volume().Status.RestartCount)
				assert.Zero(t, w.attempts())
				assert.Equal(t, cdiv1.ImportScheduled, w.volume().Status.Phase)
				w.pass(firstDelay)
				assert.EqualValues(t, 2, w.volume().Status.RestartCount)
			}, localClass(),
				secretOf("bad", map[string]string{"password": "hunter2"}),
				secretOf("large", map[string]string{"a": "A: " + strings.Repeat("a", maxHeaderBytes)}),
				configMapOf("bad", map[string]string{"ca.pem": "hunter2"}),
				configMapOf("empty", nil),
				configMapOf("large", map[string]string{"ca.pem": strings.Repeat("a", maxCertificates)}))
		})
	}
}

func TestAMendedReferenceIsUsed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.create(withHTTP(func(h *cdiv1.DataVolumeSourceHTTP) { h.SecretRef = ptr.To("login") }))
		w.bind("claim-1")
		assert.Zero(t, w.attempts())
		secret := secretOf("login", map[string]string{"accessKeyId": "bob"})
		_, err := w.core.CoreV1().Secrets(volume.Namespace).Create(t.Context(), secret, metav1.CreateOptions{})
		require.NoError(t, err)
		w.pass(firstDelay + time.Second)
		assert.Equal(t, 1, w.attempts())
		assert.Equal(t, "bob", w.lastAttempt().HTTP.Username)
	}, localClass())
}
