// SPDX-License-Identifier: Apache-2.0

package version_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/kubectlvirt"
	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/subresources.kubevirt.io/v1/version" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"gitVersion":"v1.7.0+virt-apiserver.v9"}`)
	}))
	t.Cleanup(server.Close)
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	command := kubectlvirt.NewCommand("kubectl-virt", streams)
	command.SetArgs(append([]string{"version", "--server", server.URL, "--kubeconfig", "/dev/null"}, args...))
	err := command.Execute()
	return out.String(), err
}

func TestVersionTellsBoth(t *testing.T) {
	client := "Client Version: " + version.Get().GitVersion + "\n"

	out, err := run(t)
	require.NoError(t, err)
	assert.Equal(t, client+"Server Version: v1.7.0+virt-apiserver.v9\n", out)

	for _, flag := range []string{"-c", "--client"} {
		out, err = run(t, flag)
		require.NoError(t, err)
		assert.Equal(t, client, out)
	}
}

func TestVersionIsReadableByPrograms(t *testing.T) {
	out, err := run(t, "-o", "json")
	require.NoError(t, err)
	var answer map[string]map[string]string
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.Equal(t, "v1.7.0+virt-apiserver.v9", answer["serverVersion"]["gitVersion"])

	out, err = run(t, "-o", "yaml")
	require.NoError(t, err)
	assert.Contains(t, out, "gitVersion: v1.7.0+virt-apiserver.v9")

	_, err = run(t, "-o", "xml")
	assert.ErrorContains(t, err, "json or yaml")
}

func TestVersionTellsTheClientsWithoutAServer(t *testing.T) {
	out, err := run(t, "--server", "http://127.0.0.1:1")
	assert.ErrorContains(t, err, "nothing listens")
	assert.Contains(t, out, "Client Version: ")
}
