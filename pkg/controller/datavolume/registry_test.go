// SPDX-License-Identifier: Apache-2.0

package datavolume_test

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
)

// privateRegistry is one over TLS, with a login, that has an image with the disk.
func privateRegistry(t *testing.T, disk []byte) (url, ca string) {
	t.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "bob" || password != "hunter2" {
			w.Header().Set("WWW-Authenticate", `Basic realm="disks"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)

	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "disk/disk.img", Mode: 0o444, Size: int64(len(disk))}))
	_, err := w.Write(disk)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	content, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	require.NoError(t, err)
	image, err := mutate.AppendLayers(empty.Image, content)
	require.NoError(t, err)
	image, err = mutate.Config(image, v1.Config{Env: []string{
		"INSTANCETYPE_KUBEVIRT_IO_DEFAULT_INSTANCETYPE=u1.nano", "INSTANCETYPE_KUBEVIRT_IO_DEFAULT_PREFERENCE=cirros",
	}})
	require.NoError(t, err)
	reference, err := name.ParseReference(strings.TrimPrefix(server.URL, "https://") + "/disks/small:1")
	require.NoError(t, err)
	require.NoError(t, remote.Write(reference, image, remote.WithTransport(server.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: "bob", Password: "hunter2"})))
	return "docker://" + reference.String(), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

func TestADiskInAContainerImageIsImported(t *testing.T) {
	url, ca := privateRegistry(t, rawImage())
	m := newMachine(t)
	core := shared.server.Kube.CoreV1()
	_, err := core.Secrets(m.namespace).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "login"}, StringData: map[string]string{"accessKeyId": "bob", "secretKey": "hunter2"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = core.ConfigMaps(m.namespace).Create(t.Context(),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "ca"}, Data: map[string]string{"ca.pem": ca}}, metav1.CreateOptions{})
	require.NoError(t, err)

	m.create("disk", cdiv1.DataVolumeSource{Registry: &cdiv1.DataVolumeSourceRegistry{
		URL: &url, SecretRef: ptr.To("login"), CertConfigMap: ptr.To("ca"), PullMethod: ptr.To(cdiv1.RegistryPullNode),
	}})
	m.create("anonymous", cdiv1.DataVolumeSource{Registry: &cdiv1.DataVolumeSourceRegistry{URL: &url, CertConfigMap: ptr.To("ca")}})
	m.create("untrusted", cdiv1.DataVolumeSource{Registry: &cdiv1.DataVolumeSourceRegistry{URL: &url, SecretRef: ptr.To("login")}})
	m.reach("disk", cdiv1.Succeeded)
	assert.True(t, bytes.Equal(rawImage(), m.disk("disk")[:mib]))
	labels := map[string]string{"instancetype.kubevirt.io/default-instancetype": "u1.nano", "instancetype.kubevirt.io/default-preference": "cirros"}
	assert.Equal(t, labels, m.volume("disk").Labels)
	assert.Equal(t, labels, m.claim("disk").Labels)
	m.create("copy", cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: m.namespace, Name: "disk"}})
	m.reach("copy", cdiv1.Succeeded)
	assert.Equal(t, labels, m.volume("copy").Labels)
	assert.Equal(t, labels, m.claim("copy").Labels)
	for _, name := range []string{"anonymous", "untrusted"} {
		m.eventually("a failure of "+name, func() bool { return m.volume(name).Status.RestartCount == 1 })
	}
	running := m.volume("anonymous").Status.Condition(cdiv1.DataVolumeRunning)
	assert.Equal(t, "ImagePullFailed", running.Reason)
	assert.Contains(t, running.Message, "Unauthorized: ")
}
