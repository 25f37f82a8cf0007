// SPDX-License-Identifier: Apache-2.0

package guest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
)

const instances = "/apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/"

// answers are what the agent in web tells.
func answers(action string) string {
	switch action {
	case "guestosinfo":
		return `{"guestAgentVersion":"7.2","hostname":"web","os":{"prettyName":"Debian 12","kernelRelease":"6.1"},"timezone":"CET, 3600"}`
	case "userlist":
		return `{"metadata":{},"items":[{"userName":"me\u001b[2J","loginTime":1700000000.5}]}`
	default:
		return `{"metadata":{},"items":[{"diskName":"vda1","mountPoint":"/","fileSystemType":"ext4","usedBytes":1,"totalBytes":1073741824}]}`
	}
}

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+instances+"{name}/{action}", func(w http.ResponseWriter, r *http.Request) {
		switch r.PathValue("name") {
		case "web":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answers(r.PathValue("action")))
		default:
			http.Error(w, `Operation cannot be fulfilled: VMI does not have guest agent connected`, http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /apis/kubevirt.io/v1/namespaces/shop/{resource}/nobody", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
	})
	mux.HandleFunc("GET /apis/kubevirt.io/v1/namespaces/shop/virtualmachineinstances/deaf", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"VirtualMachineInstance","apiVersion":"kubevirt.io/v1"}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	command := kubectlvirt.NewCommand("kubectl-virt", streams)
	command.SetArgs(append(args, "--server", server.URL, "--kubeconfig", "/dev/null", "-n", "shop"))
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

func TestAgentsAnswersArePrinted(t *testing.T) {
	tests := map[string]struct {
		args []string
		want []string
	}{
		"system":       {[]string{"guestosinfo", "web"}, []string{`"hostname": "web"`, `"prettyName": "Debian 12"`}},
		"system yaml":  {[]string{"guestosinfo", "web", "-o", "yaml"}, []string{"hostname: web\n"}},
		"system table": {[]string{"guestosinfo", "web", "-o", "table"}, []string{"HOSTNAME   OS          KERNEL", "web        Debian 12   6.1"}},
		"users":        {[]string{"userlist", "web"}, []string{`"loginTime": 1700000000.5`}},
		"users table":  {[]string{"userlist", "web", "-o", "table"}, []string{`"me\x1b[2J"`, "2023-11-14T22:13:20Z"}},
		"files":        {[]string{"fslist", "web"}, []string{`"mountPoint": "/"`}},
		"files table":  {[]string{"fslist", "web", "-o", "table"}, []string{"/            ext4   vda1     1Mi    1Gi"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, tc.args...)
			require.NoError(t, err)
			for _, want := range tc.want {
				assert.Contains(t, out, want)
			}
		})
	}
}

func TestGuestThatTellsNothingSaysWhy(t *testing.T) {
	tests := map[string]struct {
		args []string
		want []string
	}{
		"no agent":   {[]string{"fslist", "deaf"}, []string{"VMI does not have guest agent connected", "qemu-guest-agent"}},
		"no machine": {[]string{"userlist", "nobody"}, []string{`there is no virtual machine "nobody"`, "kubectl get vms -n shop"}},
		"no output":  {[]string{"fslist", "web", "-o", "xml"}, []string{"--output must be json, yaml or table"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, tc.args...)
			assert.Empty(t, out)
			for _, want := range tc.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}
