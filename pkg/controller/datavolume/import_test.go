// SPDX-License-Identifier: Apache-2.0

package datavolume_test

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

const mib = 1 << 20

func rawImage() []byte {
	image := bytes.Repeat([]byte{0xa5, 0, 1, 2}, mib/4)
	image[510], image[511] = 0x55, 0xaa
	return image
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/disk.img"
}

func content(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "disk.img", time.Time{}, bytes.NewReader(body))
	}
}

func fromHTTP(url string) cdiv1.DataVolumeSource {
	return cdiv1.DataVolumeSource{HTTP: &cdiv1.DataVolumeSourceHTTP{URL: url}}
}

// qemuImage returns an image that qemu-img made with args, in which DIR is a directory of its own.
func qemuImage(t *testing.T, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", dir)
	}
	output, err := exec.Command("qemu-img", append([]string{"create", "-q", "-f", "qcow2"}, args...)...).CombinedOutput()
	require.NoError(t, err, string(output))
	image, err := os.ReadFile(filepath.Join(dir, "disk.qcow2"))
	require.NoError(t, err)
	return image
}

func TestAnImageBecomesADisk(t *testing.T) {
	m := newMachine(t)
	m.create("disk", fromHTTP(serve(t, content(rawImage()))))
	dv := m.reach("disk", cdiv1.Succeeded)
	assert.EqualValues(t, "100.0%", dv.Status.Progress)
	claim := m.claim("disk")
	assert.Equal(t, corev1.ClaimBound, claim.Status.Phase)
	assert.Equal(t, "8Mi", claim.Status.Capacity.Storage().String())
	assert.True(t, metav1.IsControlledBy(claim, dv))
	disk := m.disk("disk")
	require.Len(t, disk, 8*mib)
	assert.True(t, bytes.Equal(rawImage(), disk[:mib]))
	m.eventually("events", func() bool { return m.told("disk")["ImportSucceeded"] && m.told("disk")["Bound"] })
}

func TestABlankDiskIsMade(t *testing.T) {
	m := newMachine(t)
	m.create("disk", cdiv1.DataVolumeSource{Blank: &cdiv1.DataVolumeBlankImage{}})
	m.reach("disk", cdiv1.Succeeded)
	assert.Equal(t, make([]byte, 8*mib), m.disk("disk"))
}

func TestADiskIsTheSameInEitherMode(t *testing.T) {
	m := newMachine(t)
	image := serve(t, content(rawImage()))
	m.create("storage", fromHTTP(image), func(dv *cdiv1.DataVolume) {
		dv.Spec.Storage.VolumeMode, dv.Spec.Storage.AccessModes = new(corev1.PersistentVolumeBlock), []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
	})
	m.create("pvc", fromHTTP(image), func(dv *cdiv1.DataVolume) {
		dv.Spec.PVC = &verbatim.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, VolumeMode: new(corev1.PersistentVolumeBlock),
			Resources: dv.Spec.Storage.Resources,
		}
		dv.Spec.Storage = nil
	})
	m.create("copy", cdiv1.DataVolumeSource{PVC: &cdiv1.DataVolumeSourcePVC{Namespace: m.namespace, Name: "storage"}})
	for _, name := range []string{"storage", "pvc", "copy"} {
		m.reach(name, cdiv1.Succeeded)
		assert.True(t, bytes.Equal(rawImage(), m.disk(name)[:mib]), name)
	}
	assert.Equal(t, corev1.PersistentVolumeBlock, *m.claim("storage").Spec.VolumeMode, "what was asked for stays")
}

func TestABadImageFailsForGoodAndLeavesNothing(t *testing.T) {
	for reason, handler := range map[string]http.HandlerFunc{
		"ImageTooLarge":      content(qemuImage(t, "DIR/disk.qcow2", "10T")),
		"BackingFileRefused": content(qemuImage(t, "-u", "-b", "/etc/passwd", "-F", "raw", "DIR/disk.qcow2", "1M")),
		"ExternalDataFileRefused": content(qemuImage(t,
			"-o", "data_file=DIR/data.raw,data_file_raw=on", "DIR/disk.qcow2", "1M")),
		"NotAnImage": content([]byte("<!DOCTYPE html><html><body>Sign in to download" + strings.Repeat(" ", 4096) + "</body></html>")),
	} {
		t.Run(reason, func(t *testing.T) {
			m := newMachine(t)
			m.create("disk", fromHTTP(serve(t, handler)))
			dv := m.reach("disk", cdiv1.Failed)
			assert.Equal(t, "Error", dv.Status.Condition(cdiv1.DataVolumeRunning).Reason)
			for _, kind := range []cdiv1.DataVolumeConditionType{cdiv1.DataVolumeReady, cdiv1.DataVolumeRunning} {
				condition := dv.Status.Condition(kind)
				assert.Equal(t, corev1.ConditionFalse, condition.Status)
				assert.Contains(t, condition.Message, reason+": ")
			}
			assert.Empty(t, m.files())
			_, err := m.store.Locate(t.Context(), m.claim("disk"))
			require.Error(t, err)
		})
	}
}

func TestAnUnreachableImageIsTriedAgainAndLeavesNothing(t *testing.T) {
	fail := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sorry", status) }
	}
	for reason, handler := range map[string]http.HandlerFunc{
		"NotFound":    fail(http.StatusNotFound),
		"ServerError": fail(http.StatusInternalServerError),
		"TooManyRedirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		},
	} {
		t.Run(reason, func(t *testing.T) {
			m := newMachine(t)
			m.create("disk", fromHTTP(serve(t, handler)))
			m.eventually("a failure", func() bool { return m.volume("disk").Status.RestartCount == 1 })
			dv := m.volume("disk")
			message, failed := dv.Failure()
			assert.True(t, failed)
			assert.Contains(t, message, reason+": ")
			assert.Equal(t, "Error", dv.Status.Condition(cdiv1.DataVolumeRunning).Reason)
			assert.Empty(t, m.files())
		})
	}
}

func TestTheServersCertificateAndTheLoginAreUsed(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "bob" || password != "hunter2" || r.Header.Get("X-Token") != "t" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		content(rawImage())(w, r)
	}))
	t.Cleanup(server.Close)
	m := newMachine(t)
	core := shared.server.Kube.CoreV1()
	for name, data := range map[string]map[string]string{
		"login": {"accessKeyId": "bob", "secretKey": "hunter2"}, "token": {"header": "X-Token: t"},
	} {
		_, err := core.Secrets(m.namespace).Create(t.Context(),
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: data}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	_, err := core.ConfigMaps(m.namespace).Create(t.Context(),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "ca"}, Data: map[string]string{"ca.pem": ca}}, metav1.CreateOptions{})
	require.NoError(t, err)

	m.create("untrusted", fromHTTP(server.URL))
	m.create("trusted", cdiv1.DataVolumeSource{HTTP: &cdiv1.DataVolumeSourceHTTP{
		URL: server.URL, SecretRef: ptr.To("login"), SecretExtraHeaders: []string{"token"}, CertConfigMap: ptr.To("ca"),
	}})
	m.reach("trusted", cdiv1.Succeeded)
	m.eventually("a failure", func() bool { return m.volume("untrusted").Status.RestartCount == 1 })
	assert.Contains(t, m.volume("untrusted").Status.Condition(cdiv1.DataVolumeRunning).Message, "TLSFailure: ")
}

// stall serves half an image at first, telling of it and of its end, and later all of it.
func stall(t *testing.T) (url string, begun, ended <-chan struct{}) {
	t.Helper()
	b, e := make(chan struct{}, 10), make(chan struct{}, 10)
	first := make(chan struct{}, 1)
	first <- struct{}{}
	url = serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-first:
		default:
			content(rawImage())(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(mib))
		_, _ = w.Write(rawImage()[:mib/2])
		w.(http.Flusher).Flush()
		b <- struct{}{}
		select {
		case <-r.Context().Done():
			e <- struct{}{}
		case <-t.Context().Done():
		}
	})
	return url, b, e
}

func receive(t *testing.T, what string, from <-chan struct{}) {
	t.Helper()
	select {
	case <-from:
	case <-time.After(20 * time.Second):
		t.Fatal("waited in vain for " + what)
	}
}

func TestAnImportSurvivesARestart(t *testing.T) {
	m := newMachine(t)
	url, begun, ended := stall(t)
	m.create("disk", fromHTTP(url))
	receive(t, "the transfer", begun)
	m.reach("disk", cdiv1.ImportInProgress)
	m.eventually("progress", func() bool { return m.volume("disk").Status.Progress == "50.00%" })
	m.stop()
	receive(t, "the end of the transfer", ended)
	assert.Empty(t, m.files())

	m.start()
	dv := m.reach("disk", cdiv1.Succeeded)
	assert.Zero(t, dv.Status.RestartCount)
	assert.True(t, bytes.Equal(rawImage(), m.disk("disk")[:mib]))
}

func TestDeletionDuringAnImportLeavesNothing(t *testing.T) {
	m := newMachine(t)
	url, begun, ended := stall(t)
	m.create("disk", fromHTTP(url))
	receive(t, "the transfer", begun)
	require.NoError(t, m.virt.CdiV1beta1().DataVolumes(m.namespace).Delete(t.Context(), "disk", metav1.DeleteOptions{}))
	receive(t, "the end of the transfer", ended)
	// What the garbage collector does.
	require.NoError(t, shared.server.Kube.CoreV1().PersistentVolumeClaims(m.namespace).Delete(t.Context(), "disk", metav1.DeleteOptions{}))
	m.eventually("the claim is gone", func() bool { return m.claim("disk") == nil })
	m.eventually("the disk is gone", func() bool { return len(m.files()) == 0 })
}

func TestADeletedClaimIsFilledAnew(t *testing.T) {
	m := newMachine(t)
	m.create("disk", fromHTTP(serve(t, content(rawImage()))))
	m.reach("disk", cdiv1.Succeeded)
	first := m.claim("disk").UID
	require.NoError(t, shared.server.Kube.CoreV1().PersistentVolumeClaims(m.namespace).Delete(t.Context(), "disk", metav1.DeleteOptions{}))
	m.eventually("another claim", func() bool { claim := m.claim("disk"); return claim != nil && claim.UID != first })
	m.reach("disk", cdiv1.Succeeded)
	assert.True(t, bytes.Equal(rawImage(), m.disk("disk")[:mib]))
	m.eventually("one disk", func() bool { return len(m.files()) == 1 })
}

func TestAFilledClaimGrows(t *testing.T) {
	m := newMachine(t)
	m.create("disk", fromHTTP(serve(t, content(rawImage()))))
	m.reach("disk", cdiv1.Succeeded)
	_, err := shared.server.Kube.CoreV1().PersistentVolumeClaims(m.namespace).Patch(t.Context(), "disk", types.MergePatchType,
		[]byte(`{"spec":{"resources":{"requests":{"storage":"16Mi"}}}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	m.eventually("more capacity", func() bool { return m.claim("disk").Status.Capacity.Storage().String() == "16Mi" })
	disk := m.disk("disk")
	assert.Len(t, disk, 16*mib)
	assert.True(t, bytes.Equal(rawImage(), disk[:mib]))
	assert.Equal(t, cdiv1.Succeeded, m.volume("disk").Status.Phase)
}
