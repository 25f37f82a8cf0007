// SPDX-License-Identifier: Apache-2.0

package standalonetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/standalonetest"
)

var server *standalonetest.Server

func TestMain(m *testing.M) {
	standalonetest.Main(m, func(s *standalonetest.Server) { server = s })
}

// answer has the message of a status.
type answer struct{ Message string }

// send makes a request as the administrator and returns the code and the answer.
func send(t *testing.T, method, path, contentType, body string) (int, answer) {
	t.Helper()
	code, raw := sendRaw(t, method, path, contentType, body)
	var got answer
	require.NoError(t, json.Unmarshal(raw, &got))
	return code, got
}

func sendRaw(t *testing.T, method, path, contentType, body string) (int, []byte) {
	t.Helper()
	client, err := rest.HTTPClientFor(server.Admin)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, server.Admin.Host+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, raw
}

const (
	volumes  = "/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes"
	machines = "/apis/kubevirt.io/v1/namespaces/default/virtualmachines"
	sizes    = "/apis/instancetype.kubevirt.io/v1beta1/virtualmachineclusterinstancetypes"
)

func dataVolume(name string) string {
	return fmt.Sprintf(`{"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataVolume", "metadata": {"name": %q},
		"spec": {"source": {"blank": {}}, "storage": {"resources": {"requests": {"storage": "16Mi"}}}}}`, name)
}

func TestAnObjectIsCreatedByAPostToItsURL(t *testing.T) {
	for name, test := range map[string]struct {
		path, body string
		code       int
		words      string
	}{
		"a DataVolume": {volumes + "/posted", dataVolume("posted"), 201, ""},
		"a machine": {machines + "/posted", `{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "posted"},
			"spec": {"runStrategy": "Halted", "template": {"spec": {"domain": {"memory": {"guest": "64Mi"}, "devices": {}}}}}}`, 201, ""},
		"an instance type": {sizes + "/posted?fieldManager=web", `{"apiVersion": "instancetype.kubevirt.io/v1beta1", "kind": "VirtualMachineClusterInstancetype",
			"metadata": {"name": "posted"}, "spec": {"cpu": {"guest": 1}, "memory": {"guest": "64Mi"}}}`, 201, ""},
		"another name":      {volumes + "/another", dataVolume("other"), 400, "the name of the object (other) does not match the name on the URL (another)"},
		"as ever":           {volumes, dataVolume("plain"), 201, ""},
		"one that is there": {volumes + "/twice", dataVolume("twice"), 409, "already exists"},
		"of Kubernetes":     {"/api/v1/namespaces/default/configmaps/posted", `{"metadata": {"name": "posted"}}`, 405, ""},
		"of a subresource":  {volumes + "/posted/status", dataVolume("posted"), 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if test.code == http.StatusConflict {
				code, got := send(t, http.MethodPost, volumes, "application/json", test.body)
				require.Equal(t, http.StatusCreated, code, got.Message)
			}
			code, got := send(t, http.MethodPost, test.path, "application/json", test.body)
			assert.Equal(t, test.code, code, got.Message)
			assert.Contains(t, got.Message, test.words)
		})
	}
}

func TestARequestWithVeryManyMembersIsRefusedBeforeItTakesTime(t *testing.T) {
	labels := func(from, to int) string {
		made := make([]string, 0, to-from)
		for i := from; i < to; i++ {
			made = append(made, fmt.Sprintf("\"example.com/a-label-of-some-length-%d\": \"x\"", i))
		}
		return "{" + strings.Join(made, ", ") + "}"
	}
	labelled := func(name, labels string) string {
		return strings.Replace(dataVolume(name), `"metadata": {`, `"metadata": {"labels": `+labels+", ", 1)
	}
	for name, test := range map[string]struct {
		method, path, contentType, body string
		code                            int
	}{
		"many labels": {http.MethodPost, volumes, "application/json", labelled("wide", labels(0, 40_000)), 413},
		"in YAML":     {http.MethodPost, volumes, "application/yaml", labelled("wide", labels(0, 40_000)), 413},
		"some labels": {http.MethodPost, volumes, "application/json", labelled("some", labels(0, 4000)), 201},
		"a long list": {http.MethodPost, machines, "application/json", `{"spec": {"template": {"spec": {"volumes": [` + strings.Repeat(`{"name": "x", "emptyDisk": {}}, `, 10_000) + `{}]}}}}`, 413},
		"a patch":     {http.MethodPatch, volumes + "/some", "application/merge-patch+json", `{"metadata": {"labels": ` + labels(0, 40_000) + `}}`, 413},
		"an apply":    {http.MethodPatch, volumes + "/wide?fieldManager=m", "application/apply-patch+yaml", labelled("wide", labels(0, 40_000)), 413},
		"what is far too long is for the server to refuse": {http.MethodPost, volumes, "application/json", strings.Repeat(" ", 4<<20), 413},
		"what is no JSON is for the server to refuse":      {http.MethodPost, volumes, "application/json", strings.Repeat("[", 200<<10), 400},
	} {
		t.Run(name, func(t *testing.T) {
			code, got := send(t, test.method, test.path, test.contentType, test.body)
			assert.Equal(t, test.code, code, got.Message)
		})
	}

	code, got := send(t, http.MethodPost, volumes, "application/json", labelled("grown", labels(0, 3000)))
	require.Equal(t, http.StatusCreated, code, got.Message)
	code, got = send(t, http.MethodPatch, volumes+"/grown", "application/merge-patch+json", `{"metadata": {"labels": `+labels(3000, 6000)+`}}`)
	assert.Equal(t, http.StatusBadRequest, code)
	assert.Contains(t, got.Message, "metadata.labels: must have at most 4096 items")
}
