// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/virt-apiserver/virt-apiserver/pkg/standalone/pki"
)

// setup applies options with the given tokens, and returns the administrator's certificate.
func setup(t *testing.T, tokens string) (config *genericapiserver.Config, admin *x509.Certificate, tokenPath string) {
	t.Helper()
	dir := t.TempDir()
	files, err := pki.Ensure(pki.Config{
		Dir: filepath.Join(dir, "pki"), Kubeconfig: filepath.Join(dir, "kubeconfig"), ServerURL: "https://localhost"})
	require.NoError(t, err)
	tokenPath = filepath.Join(dir, "tokens.csv")
	require.NoError(t, os.WriteFile(tokenPath, []byte(tokens), 0o600))

	config = &genericapiserver.Config{SecureServing: &genericapiserver.SecureServingInfo{}}
	options := Options{TokenFile: tokenPath}
	require.NoError(t, options.ApplyTo(config, files.CA))
	require.NotNil(t, config.SecureServing.ClientCA, "clients are asked for certificates")
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "pki", "admin.pem"), filepath.Join(dir, "pki", "admin.pem"))
	require.NoError(t, err)
	return config, pair.Leaf, tokenPath
}

func request(path string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, f := range change {
		f(r)
	}
	return r
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func certificate(cert *x509.Certificate) func(*http.Request) {
	return func(r *http.Request) { r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}} }
}

func subprotocols(value string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-Websocket-Protocol", value)
	}
}

func TestClientsAreKnownByCertificateTokenAndSubprotocol(t *testing.T) {
	config, admin, _ := setup(t, "secret,alice,1,\"staff,system:masters\"\n")
	webToken := "base64url.bearer.authorization.k8s.io." + base64.RawURLEncoding.EncodeToString([]byte("secret"))
	for name, tc := range map[string]struct {
		request *http.Request
		user    string
		groups  []string
	}{
		"certificate":         {request("/api", certificate(admin)), "kubernetes-admin", []string{"system:masters", "system:authenticated"}},
		"token":               {request("/api", bearer("secret")), "alice", []string{"staff", "system:masters", "system:authenticated"}},
		"subprotocol":         {request("/api", subprotocols(webToken+", plain.kubevirt.io")), "alice", []string{"staff", "system:masters", "system:authenticated"}},
		"nothing, for health": {request("/readyz?verbose"), "system:anonymous", []string{"system:unauthenticated"}},
	} {
		t.Run(name, func(t *testing.T) {
			response, ok, err := config.Authentication.Authenticator.AuthenticateRequest(tc.request)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, tc.user, response.User.GetName())
			assert.Equal(t, tc.groups, response.User.GetGroups())
		})
	}
	t.Run("the token is not passed on as a subprotocol", func(t *testing.T) {
		r := request("/api", subprotocols(webToken+", plain.kubevirt.io"))
		_, _, err := config.Authentication.Authenticator.AuthenticateRequest(r)
		require.NoError(t, err)
		assert.Equal(t, "plain.kubevirt.io", r.Header.Get("Sec-Websocket-Protocol"))
	})
}

func TestStrangersAreNotKnown(t *testing.T) {
	config, _, _ := setup(t, "secret,alice,1\n")
	_, stranger, _ := setup(t, "")
	for name, r := range map[string]*http.Request{
		"no credentials":                     request("/api"),
		"a subpath of a health path":         request("/readyz/etcd"),
		"wrong token":                        request("/api", bearer("guess")),
		"wrong token, for health":            request("/readyz", bearer("guess")),
		"certificate of another authority":   request("/api", certificate(stranger)),
		"certificate of another, for health": request("/livez", certificate(stranger)),
	} {
		t.Run(name, func(t *testing.T) {
			_, ok, _ := config.Authentication.Authenticator.AuthenticateRequest(r)
			assert.False(t, ok)
		})
	}
}

func TestTokenFileIsReadAgainWhenItChanges(t *testing.T) {
	config, _, path := setup(t, "old,alice,1\n")
	known := func(token string) bool {
		_, ok, _ := config.Authentication.Authenticator.AuthenticateRequest(request("/api", bearer(token)))
		return ok
	}
	require.True(t, known("old"))
	require.NoError(t, os.WriteFile(path, []byte("fresh,alice,1\n"), 0o600))
	require.Eventually(t, func() bool { return known("fresh") && !known("old") }, time.Minute, 50*time.Millisecond)

	require.NoError(t, os.WriteFile(path, []byte("broken\n"), 0o600))
	tokens := &tokenFile{path: path}
	require.Error(t, tokens.reload())
	require.Never(t, func() bool { return !known("fresh") }, 1500*time.Millisecond, 100*time.Millisecond)
}

func TestMissingTokenFileIsAnError(t *testing.T) {
	_, err := newTokenFile(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "read tokens")
}

func TestOnlyMastersHaveRights(t *testing.T) {
	config, _, _ := setup(t, "")
	authenticated := &user.DefaultInfo{Name: "bob", Groups: []string{"staff", "system:authenticated"}}
	master := &user.DefaultInfo{Name: "alice", Groups: []string{"system:masters"}}
	list := authorizer.AttributesRecord{Verb: "list", Resource: "virtualmachines", ResourceRequest: true}
	health := authorizer.AttributesRecord{Verb: "get", Path: "/livez"}
	for name, tc := range map[string]struct {
		attributes authorizer.AttributesRecord
		user       user.Info
		want       authorizer.Decision
	}{
		"master lists":       {list, master, authorizer.DecisionAllow},
		"other lists":        {list, authenticated, authorizer.DecisionDeny},
		"other asks health":  {health, authenticated, authorizer.DecisionAllow},
		"other asks version": {authorizer.AttributesRecord{Verb: "get", Path: "/version"}, authenticated, authorizer.DecisionDeny},
	} {
		t.Run(name, func(t *testing.T) {
			tc.attributes.User = tc.user
			decision, reason, err := config.Authorization.Authorizer.Authorize(t.Context(), tc.attributes)
			require.NoError(t, err)
			assert.Equal(t, tc.want, decision)
			if decision == authorizer.DecisionDeny {
				assert.Contains(t, reason, "system:masters")
			}
		})
	}
}

func TestRulesSayWhatTheAuthorizerSays(t *testing.T) {
	resources, _, incomplete, err := ruleResolver{}.RulesFor(t.Context(), &user.DefaultInfo{Groups: []string{"system:masters"}}, "default")
	require.NoError(t, err)
	assert.False(t, incomplete)
	require.Len(t, resources, 1)
	assert.Equal(t, []string{"*"}, resources[0].GetVerbs())

	resources, paths, _, err := ruleResolver{}.RulesFor(t.Context(), &user.DefaultInfo{Groups: []string{"staff"}}, "default")
	require.NoError(t, err)
	assert.Empty(t, resources)
	require.Len(t, paths, 1)
	assert.Equal(t, healthPaths(), paths[0].GetNonResourceURLs())
}
