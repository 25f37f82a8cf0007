// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
)

// request is one thing that somebody may or may not do.
type request struct{ method, path, body string }

func (r request) String() string { return r.method + " " + r.path }

// status sends the request to kube-apiserver as the user and gives the code of
// the answer.
func (r request) status(t *testing.T, user string) int {
	t.Helper()
	client, err := rest.HTTPClientFor(shared.as(user))
	require.NoError(t, err)
	code, _ := r.send(t, client, shared.Config.Host, nil)
	return code
}

func (r request) send(t *testing.T, client *http.Client, host string, header http.Header) (code int, body string) {
	t.Helper()
	sent, err := http.NewRequestWithContext(t.Context(), r.method, host+r.path, strings.NewReader(r.body))
	require.NoError(t, err)
	for name, values := range header {
		sent.Header[name] = values
	}
	sent.Header.Set("Content-Type", "application/json")
	if r.method == http.MethodPatch {
		sent.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := client.Do(sent)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content)
}
