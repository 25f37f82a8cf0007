// SPDX-License-Identifier: Apache-2.0

package create_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
)

func TestNamesOfInstanceTypesAndPreferencesAreCompleted(t *testing.T) {
	const group = "GET /apis/instancetype.kubevirt.io/v1beta1/"
	mux := http.NewServeMux()
	for path, name := range map[string]string{
		"virtualmachineclusterinstancetypes":          "large",
		"namespaces/shop/virtualmachineinstancetypes": "till",
		"namespaces/shop/virtualmachinepreferences":   "quick",
	} {
		mux.HandleFunc(group+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"items":[{"metadata":{"name":%q}}]}`, name)
		})
	}
	// Who may not see those of the cluster is offered the others.
	mux.HandleFunc(group+"virtualmachineclusterpreferences", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "forbidden", http.StatusForbidden)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for flag, want := range map[string]string{
		"--instancetype": "large\nvirtualmachineinstancetype/till\n:4\n",
		"--preference":   "virtualmachinepreference/quick\n:4\n",
	} {
		streams, _, out, _ := genericiooptions.NewTestIOStreams()
		command := kubectlvirt.NewCommand("kubectl-virt", streams)
		command.SetArgs([]string{"__complete", "create", "vm", "--server", server.URL, "--kubeconfig", "/dev/null", "-n", "shop", flag, ""})
		require.NoError(t, command.ExecuteContext(t.Context()))
		assert.Equal(t, want, out.String(), flag)
	}
}
