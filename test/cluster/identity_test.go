// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// These tests talk to virt-apiserver itself, past kube-apiserver.

// asAdministrator are the headers by which kube-apiserver says whom it acts for.
func asAdministrator() http.Header { return identity("someone", "system:masters") }

func identity(user, group string) http.Header {
	return http.Header{"X-Remote-User": {user}, "X-Remote-Group": {group}}
}

func machinesOf(ns string) request {
	return request{http.MethodGet, "/apis/kubevirt.io/v1/namespaces/" + ns + "/virtualmachines", ""}
}

func TestOnlyKubeAPIServerMaySayWhoAsks(t *testing.T) {
	t.Parallel()
	for certificate, want := range map[string]int{
		"front-proxy": http.StatusOK,
		// Signed by the same authority, but for another name.
		"front-proxy-stranger": http.StatusUnauthorized,
		// Signed by an authority that signs for something else.
		"node-client": http.StatusUnauthorized,
		// Known, but as what the certificate says, whatever the headers say.
		"virt-apiserver-client": http.StatusForbidden,
		"":                      http.StatusForbidden,
	} {
		code, body := machinesOf("default").send(t, directClient(t, certificate), shared.virtAPIServer, asAdministrator())
		assert.Equal(t, want, code, "%q: %s", certificate, body)
	}
}

// kube-apiserver authorises what it passes on; virt-apiserver asks again.
func TestAuthorizationIsAskedForAgain(t *testing.T) {
	t.Parallel()
	ns := shared.Namespace(t)
	bind(t, ns, "viewer-"+ns, "view")
	client := directClient(t, "front-proxy")
	for _, test := range []struct {
		user string
		request
		want int
	}{
		{"viewer-" + ns, machinesOf(ns), http.StatusOK},
		{"viewer-" + ns, machinesOf("default"), http.StatusForbidden},
		{"nobody", machinesOf(ns), http.StatusForbidden},
	} {
		code, body := test.send(t, client, shared.virtAPIServer, identity(test.user, "system:authenticated"))
		assert.Equal(t, test.want, code, "%s: %s: %s", test.user, test.request, body)
	}
	for _, action := range actions(ns, subresources(false)) {
		code, body := action.send(t, client, shared.virtAPIServer, identity("viewer-"+ns, "system:authenticated"))
		assert.Equal(t, http.StatusForbidden, code, "%s: %s", action, body)
	}
}

func TestAnonymousMayAskForHealthAlone(t *testing.T) {
	t.Parallel()
	client := directClient(t, "")
	for _, path := range []string{"/livez", "/readyz", "/healthz"} {
		code, _ := request{http.MethodGet, path, ""}.send(t, client, shared.virtAPIServer, nil)
		assert.Equal(t, http.StatusOK, code, path)
	}
	for _, path := range []string{"/metrics", "/apis/kubevirt.io/v1/virtualmachines", "/debug/pprof/"} {
		code, _ := request{http.MethodGet, path, ""}.send(t, client, shared.virtAPIServer, nil)
		assert.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, code, path)
	}
}

// directClient trusts virt-apiserver and shows it the certificate, if any.
func directClient(t *testing.T, certificate string) *http.Client {
	t.Helper()
	authority, err := os.ReadFile(filepath.Join(shared.pki, "serving-ca.crt"))
	require.NoError(t, err)
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	require.True(t, config.RootCAs.AppendCertsFromPEM(authority))
	if certificate != "" {
		base := filepath.Join(shared.pki, certificate)
		pair, err := tls.LoadX509KeyPair(base+".crt", base+".key")
		require.NoError(t, err)
		// Shown even to a server that names other authorities.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
