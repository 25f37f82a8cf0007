// SPDX-License-Identifier: Apache-2.0

package kubectlvirt

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func help(t *testing.T, program string, args ...string) string {
	t.Helper()
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	command := NewCommand(program, streams)
	command.SetArgs(append(args, "--help"))
	require.NoError(t, command.Execute())
	return out.String()
}

func TestPluginCallsItselfAsItsUsersDo(t *testing.T) {
	assert.Contains(t, help(t, "/usr/local/bin/kubectl-virt", "stop"), "kubectl virt stop VM [flags]")
	assert.Contains(t, help(t, "/opt/virt", "stop"), "virt stop VM [flags]")
}

func TestEveryVerbShowsHowItIsUsed(t *testing.T) {
	streams, _, _, _ := genericiooptions.NewTestIOStreams()
	var verbs []string
	for _, verb := range NewCommand("kubectl-virt", streams).Commands() {
		verbs = append(verbs, verb.Name())
		assert.NotEmpty(t, verb.Short, verb.Name())
		assert.Contains(t, verb.Example, "kubectl virt "+verb.Name(), verb.Name())
		assert.NotNil(t, verb.ValidArgsFunction, "%s completes its argument", verb.Name())
	}
	slices.Sort(verbs)
	assert.Equal(t, []string{"addvolume", "console", "create", "credentials", "expand", "fslist", "guestosinfo", "pause", "port-forward", "removevolume", "reset", "restart", "scp", "soft-reboot", "ssh", "start", "stop", "unpause", "userlist", "version", "vnc"}, verbs)
}

func TestHelpShowsFewOfTheManyConnectionFlags(t *testing.T) {
	text := help(t, "kubectl-virt", "start")
	for _, flag := range shown {
		assert.Contains(t, text, "--"+flag)
	}
	assert.NotContains(t, text, "--tls-server-name")
	assert.Less(t, strings.Count(text, "\n"), 40)
}

func TestWarningsOfTheServerArePrintedAsByKubectl(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Warning", `299 - "something is deprecated"`)
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	streams, _, _, errOut := genericiooptions.NewTestIOStreams()
	command := NewCommand("kubectl-virt", streams)
	command.SetArgs([]string{"--kubeconfig=/dev/null", "--server=" + server.URL, "stop", "web"})
	require.NoError(t, command.Execute())
	assert.Equal(t, "Warning: something is deprecated\n", errOut.String())
}
