// SPDX-License-Identifier: Apache-2.0

package httpsource_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/httpsource"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// loopback is where servers of tests are.
var loopback = egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

// seen records the headers of the requests to one server.
type seen struct{ headers []http.Header }

func (s *seen) record(r *http.Request) { s.headers = append(s.headers, r.Header.Clone()) }

func requireFailure(t *testing.T, err error, reason string, permanent bool) *failure.Error {
	t.Helper()
	var typed *failure.Error
	require.ErrorAs(t, err, &typed)
	assert.Equal(t, reason, typed.Reason, typed.Message)
	assert.Equal(t, permanent, typed.Permanent, typed.Message)
	return typed
}

func readAll(t *testing.T, src source.HTTP, opts httpsource.Options) ([]byte, error) {
	t.Helper()
	opts.Egress = loopback
	body, err := httpsource.Open(t.Context(), src, opts)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func withSecrets(url string) source.HTTP {
	return source.HTTP{URL: url, Username: "user", Password: "secret", ExtraHeaders: []string{"X-Api-Key: secret", "Cookie: a=secret"}}
}

func TestOpenSendsSecretsToTheSourcesOwnHost(t *testing.T) {
	t.Parallel()
	var home seen
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		home.record(r)
		if r.URL.Path == "/start" {
			http.Redirect(w, r, "/image", http.StatusFound)
		}
	}))
	defer server.Close()
	_, err := readAll(t, withSecrets(server.URL+"/start?token=secret"), httpsource.Options{})
	require.NoError(t, err)
	require.Len(t, home.headers, 2)
	for _, h := range home.headers {
		assert.Equal(t, "secret", h.Get("X-Api-Key"))
		assert.Equal(t, "a=secret", h.Get("Cookie"))
		assert.True(t, strings.HasPrefix(h.Get("Authorization"), "Basic "))
		assert.Equal(t, "identity", h.Get("Accept-Encoding"))
		assert.Empty(t, h.Get("Referer"), "the query may be a secret too")
	}
}

func TestOpenTakesCredentialsFromTheURL(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username, password, _ := r.BasicAuth()
		fmt.Fprintf(w, "%s %s", username, password)
	}))
	defer server.Close()
	got, err := readAll(t, source.HTTP{URL: strings.Replace(server.URL, "://", "://me:word@", 1)}, httpsource.Options{})
	require.NoError(t, err)
	require.Equal(t, "me word", string(got))
}

// TestOpenSendsNoSecretToAnotherHost redirects to another port, and from there
// home again: what another host asks for is not asked with the user's secrets.
func TestOpenSendsNoSecretToAnotherHost(t *testing.T) {
	t.Parallel()
	var home, away seen
	var homeURL string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		away.record(r)
		http.Redirect(w, r, homeURL+"/back", http.StatusTemporaryRedirect)
	}))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		home.record(r)
		if r.URL.Path == "/start" {
			http.Redirect(w, r, other.URL, http.StatusFound)
		}
	}))
	defer server.Close()
	homeURL = server.URL
	_, err := readAll(t, withSecrets(server.URL+"/start"), httpsource.Options{})
	require.NoError(t, err)
	require.Len(t, home.headers, 2)
	require.Len(t, away.headers, 1)
	for _, h := range append(away.headers, home.headers[1]) {
		for name, values := range h {
			assert.NotContains(t, strings.Join(values, " "), "secret", name)
		}
		assert.Empty(t, h.Get("Authorization"))
	}
}

func TestOpenRefusesToLeaveHTTPSWithSecrets(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "image") }))
	defer plain.Close()
	server := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer server.Close()

	src := withSecrets(server.URL)
	src.InsecureSkipVerify = true
	_, err := readAll(t, src, httpsource.Options{})
	requireFailure(t, err, failure.RedirectRefused, true)

	got, err := readAll(t, source.HTTP{URL: server.URL, InsecureSkipVerify: true}, httpsource.Options{})
	require.NoError(t, err, "without secrets it is what the server wants")
	require.Equal(t, "image", string(got))
}

func TestOpenGivesUpOnARedirectLoop(t *testing.T) {
	t.Parallel()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	defer server.Close()
	_, err := readAll(t, source.HTTP{URL: server.URL}, httpsource.Options{})
	requireFailure(t, err, failure.TooManyRedirects, false)
	require.Equal(t, 11, requests)
}

func TestOpenFollowsNoRedirectToAnotherScheme(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.RedirectHandler("file:///etc/passwd", http.StatusFound))
	defer server.Close()
	_, err := readAll(t, source.HTTP{URL: server.URL}, httpsource.Options{})
	requireFailure(t, err, failure.RedirectRefused, true)
}
