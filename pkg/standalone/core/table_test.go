// SPDX-License-Identifier: Apache-2.0

package core_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/apiserver"
	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/core"
)

// tableOf asks for what kubectl get asks for.
func tableOf(t *testing.T, path string) *metav1.Table {
	t.Helper()
	config := rest.CopyConfig(server.Admin)
	codecs := apiserver.NewCodecs(core.Install)
	config.NegotiatedSerializer = serializer.WithoutConversionCodecFactory{CodecFactory: codecs.Factory}
	client, err := rest.UnversionedRESTClientFor(config)
	require.NoError(t, err)
	table := &metav1.Table{}
	require.NoError(t, client.Get().AbsPath(path).SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Into(table))
	return table
}

func columns(table *metav1.Table) []string {
	var names []string
	for _, column := range table.ColumnDefinitions {
		names = append(names, column.Name)
	}
	return names
}

func TestTablesHaveUpstreamsColumns(t *testing.T) {
	namespace := newNamespace(t)
	for path, want := range map[string][]string{
		"/api/v1/namespaces":                                      {"Name", "Status", "Age"},
		"/api/v1/secrets":                                         {"Name", "Type", "Data", "Age"},
		"/api/v1/configmaps":                                      {"Name", "Data", "Age"},
		"/api/v1/namespaces/" + namespace + "/events":             {"Last Seen", "Type", "Reason", "Object", "Subobject", "Source", "Message", "First Seen", "Count", "Name"},
		"/api/v1/persistentvolumeclaims":                          {"Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age", "VolumeMode"},
		"/api/v1/nodes":                                           {"Name", "Status", "Roles", "Age", "Version", "Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime"},
		"/apis/storage.k8s.io/v1/storageclasses":                  {"Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"},
		"/apis/apiextensions.k8s.io/v1/customresourcedefinitions": {"Name", "Created At"},
		"/apis/storage.k8s.io/v1/storageclasses/local":            {"Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"},
	} {
		assert.Equal(t, want, columns(tableOf(t, path)), path)
	}
}

func TestRowsOfClaims(t *testing.T) {
	namespace := newNamespace(t)
	claims := kube().CoreV1().PersistentVolumeClaims(namespace)
	made, err := claims.Create(t.Context(), claim("a", nil), metav1.CreateOptions{})
	require.NoError(t, err)
	path := "/api/v1/namespaces/" + namespace + "/persistentvolumeclaims"
	row := tableOf(t, path).Rows[0]
	assert.Equal(t, []any{"a", "Pending", "", "", "", "local", "<unset>"}, row.Cells[:7])

	made.Spec.VolumeName = "pvc-1"
	made, err = claims.Update(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
	made.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: storage("1Gi"),
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany, corev1.ReadWriteOnce}}
	_, err = claims.UpdateStatus(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
	row = tableOf(t, path).Rows[0]
	assert.Equal(t, []any{"a", "Bound", "pvc-1", "1Gi", "RWO,RWX", "local", "<unset>"}, row.Cells[:7])
	assert.Equal(t, "Filesystem", row.Cells[8])
}

func TestRowsOfEvents(t *testing.T) {
	namespace := newNamespace(t)
	ago := metav1.NewTime(time.Now().Add(-2 * time.Hour))
	_, err := kube().CoreV1().Events(namespace).Create(t.Context(), &corev1.Event{
		ObjectMeta: named("a"), Type: "Normal", Reason: "Started", Message: " it runs\n", FirstTimestamp: ago,
		InvolvedObject: corev1.ObjectReference{Kind: "VirtualMachine", Name: "vm", Namespace: namespace},
		Source:         corev1.EventSource{Component: "controller", Host: "node"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	row := tableOf(t, "/api/v1/namespaces/"+namespace+"/events").Rows[0]
	assert.Equal(t, []any{"120m", "Normal", "Started", "virtualmachine/vm", "", "controller, node", "it runs", "120m", int64(1), "a"}, row.Cells)
}

func TestDefaultClassIsMarked(t *testing.T) {
	rows := tableOf(t, "/apis/storage.k8s.io/v1/storageclasses/local").Rows
	assert.Equal(t, []any{"local (default)", "virt-apiserver.io/local", "Delete", "Immediate", true}, rows[0].Cells[:5])
}

func TestThereAreNoCustomResources(t *testing.T) {
	client := kube().Discovery().RESTClient()
	body, err := client.Get().AbsPath("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").SetHeader("Accept", "application/json").DoRaw(t.Context())
	require.NoError(t, err)
	assert.Contains(t, string(body), `"kind":"CustomResourceDefinitionList"`)
	assert.Contains(t, string(body), `"items":[]`)
	assert.Error(t, client.Post().AbsPath("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").Body([]byte(`{}`)).Do(t.Context()).Error())
}
