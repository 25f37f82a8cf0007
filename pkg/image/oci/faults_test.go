// SPDX-License-Identifier: Apache-2.0

package oci_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// noise does not compress.
func noise(n int) string {
	content := make([]byte, n)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(content)
	return string(content)
}

// onBlobs has spoil answer requests for blobs.
func onBlobs(spoil func(w http.ResponseWriter, r *http.Request, next http.Handler)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:") {
				spoil(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func TestFaultsOfARegistryAreTold(t *testing.T) {
	t.Parallel()
	recorded := func(next http.Handler, r *http.Request) []byte {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		return answer.Body.Bytes()
	}
	for name, test := range map[string]struct {
		spoil  func(w http.ResponseWriter, r *http.Request, next http.Handler)
		reason string
		want   string
	}{
		"a layer is missing": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			http.Error(w, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`, http.StatusNotFound)
		}, failure.NotFound, "no such image"},
		"a layer is cut": {func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			body := recorded(next, r)
			_, _ = w.Write(body[:len(body)/2])
		}, "", ""},
		"a layer is another": {func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			body := recorded(next, r)
			body[len(body)/2] ^= 1
			_, _ = w.Write(body)
		}, "", ""},
		"nothing arrives": {func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			body := recorded(next, r)
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body[:len(body)/2])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, failure.Stalled, "nothing arrived"},
		"it is broken": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			http.Error(w, "{}", http.StatusInsufficientStorage)
		}, failure.ServerError, "the registry answered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := push(t, serve(t, onBlobs(test.spoil)), built(t, packed(t, file("disk/a", noise(100_000)))))
			opts := options()
			if test.reason == failure.Stalled {
				opts.IdleTimeout = 300 * time.Millisecond
			}
			_, err := read(t, source.Container{Image: image}, opts)
			require.ErrorContains(t, err, test.want)
			require.Error(t, err)
			typed := failure.From(err)
			assert.False(t, typed.Permanent, "another attempt can help")
			if test.reason != "" {
				assert.Equal(t, test.reason, typed.Reason, "%v", err)
			}
		})
	}
}

func TestImageThatIsNotThereIsTold(t *testing.T) {
	t.Parallel()
	address := serve(t, nil)
	_, err := read(t, source.Container{Image: address + "/disks/none:1"}, options())
	require.Error(t, err)
	assert.Equal(t, failure.NotFound, failure.From(err).Reason, "%v", err)
	_, err = read(t, source.Container{Image: "127.0.0.1:1/disks/none:1"}, options())
	require.Error(t, err)
	assert.Equal(t, failure.ConnectionFailed, failure.From(err).Reason, "%v", err)
	_, err = read(t, source.Container{Image: "UPPER CASE"}, options())
	require.Error(t, err)
	assert.Equal(t, failure.InvalidRequest, failure.From(err).Reason)
}

func TestPrivateImageNeedsThePassword(t *testing.T) {
	t.Parallel()
	address := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); user != "clerk" || password != "pencil" {
				w.Header().Set("WWW-Authenticate", `Basic realm="disks"`)
				http.Error(w, "{}", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	reference, err := name.ParseReference(address + "/disks/small:1")
	require.NoError(t, err)
	require.NoError(t, remote.Write(reference, built(t, packed(t, file("disk/a", "a"))),
		remote.WithAuth(&authn.Basic{Username: "clerk", Password: "pencil"})))

	_, err = read(t, source.Container{Image: reference.String()}, options())
	require.Error(t, err)
	assert.Equal(t, failure.Unauthorized, failure.From(err).Reason)
	_, err = read(t, source.Container{Image: reference.String(), Username: "clerk", Password: "wrong"}, options())
	require.Error(t, err)
	assert.Equal(t, failure.Unauthorized, failure.From(err).Reason)
	assert.NotContains(t, err.Error(), "wrong")
	got, err := read(t, source.Container{Image: reference.String(), Username: "clerk", Password: "pencil"}, options())
	require.NoError(t, err)
	assert.Equal(t, "a", got)
}

func TestLayerThatIsNoArchiveIsTold(t *testing.T) {
	t.Parallel()
	junk := junkLayer(t, noise(2000))
	image := push(t, serve(t, nil), built(t, junk))
	_, err := read(t, source.Container{Image: image}, options())
	require.Error(t, err)
	assert.Equal(t, failure.CorruptImage, failure.From(err).Reason, "%v", err)
}
