// SPDX-License-Identifier: Apache-2.0

package standalonetest_test

import (
	"encoding/json"
	"fmt"
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
	client, err := rest.HTTPClientFor(server.Admin)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, server.Admin.Host+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var got answer
	require.NoError(t, json.NewDecoder(response.Body).Decode(&got))
	return response.StatusCode, got
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
