// SPDX-License-Identifier: Apache-2.0

package expand_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
)

const actions = "/apis/subresources.kubevirt.io/v1/namespaces/shop/"

// run runs expand before a server that knows the machines web and odd, and gives back each manifest as it is.
func run(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+actions+"virtualmachines/{name}/expand-spec", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("name") != "web" {
			http.Error(w, "no instance type", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, `{"kind":"VirtualMachine","metadata":{"name":"web"}}`)
	})
	mux.HandleFunc("PUT "+actions+"expand-vm-spec", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("GET /apis/kubevirt.io/v1/namespaces/shop/virtualmachines/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.PathValue("name") == "odd" {
			_, _ = io.WriteString(w, `{"kind":"VirtualMachine","apiVersion":"kubevirt.io/v1"}`)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	streams, in, out, _ := genericiooptions.NewTestIOStreams()
	in.WriteString(stdin)
	command := kubectlvirt.NewCommand("kubectl-virt", streams)
	command.SetArgs(append([]string{"expand", "--server", server.URL, "--kubeconfig", "/dev/null", "-n", "shop"}, args...))
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

func TestMachinesArePrintedAsTheServerExpandsThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vm.yaml")
	require.NoError(t, os.WriteFile(file, []byte("kind: VirtualMachine\n"), 0o600))
	tests := map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"stored":   {"", []string{"--vm", "web"}, "kind: VirtualMachine\nmetadata:\n  name: web\n"},
		"in JSON":  {"", []string{"--vm", "web", "-o", "json"}, "{\n  \"kind\": \"VirtualMachine\",\n  \"metadata\": {\n    \"name\": \"web\"\n  }\n}\n"},
		"a file":   {"", []string{"--file", file}, "kind: VirtualMachine\n"},
		"an input": {`{"kind": "VirtualMachine"}`, []string{"-f", "-"}, "kind: VirtualMachine\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, tc.stdin, tc.args...)
			require.NoError(t, err)
			assert.Equal(t, tc.want, out)
		})
	}
}

func TestWhatCannotBeExpandedSaysWhy(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"nothing":    {nil, "--vm or --file is needed"},
		"both":       {[]string{"--vm", "web", "--file", "-"}, "none of the others can be"},
		"output":     {[]string{"--vm", "web", "-o", "name"}, "--output must be json or yaml"},
		"no machine": {[]string{"--vm", "nobody"}, "kubectl get vms -n shop"},
		"broken":     {[]string{"--vm", "odd"}, "no instance type"},
		"no file":    {[]string{"--file", "/nowhere"}, "no such file"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, "", tc.args...)
			assert.ErrorContains(t, err, tc.want)
			assert.Empty(t, out)
		})
	}
}
