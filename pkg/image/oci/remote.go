// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const (
	userAgent = "virt-apiserver"
	// dialTimeout is for each address of a server, and once more for TLS.
	dialTimeout = 30 * time.Second
	// headerTimeout is for each answer to begin.
	headerTimeout  = 30 * time.Second
	maxHeaderBytes = 64 << 10
	// libraryRefuses is in the error of the library, which has no type for it, where it does not follow a redirect.
	libraryRefuses = "SSRF protection"
)

func openRemote(ctx context.Context, src source.Container, opts Options) (*image, error) {
	reference, err := name.ParseReference(src.Image)
	if err != nil {
		return nil, failure.Permanent(failure.InvalidRequest, "%q is no reference to an image: %v", src.Image, err)
	}
	roundTripper, err := newTransport(src.CACert, opts)
	if err != nil {
		return nil, err
	}
	options := []remote.Option{
		remote.WithTransport(roundTripper),
		remote.WithContext(ctx),
		remote.WithPlatform(platform()),
		remote.WithUserAgent(userAgent),
		remote.WithAuth(authn.FromConfig(authn.AuthConfig{
			Username: src.Username, Password: src.Password, IdentityToken: src.Token,
		})),
	}
	found, err := remote.Image(reference, options...)
	if err != nil {
		return nil, err
	}
	digest, err := found.Digest()
	if err != nil {
		return nil, err
	}
	raw, err := found.RawManifest()
	if err != nil {
		return nil, err
	}
	manifest, err := parseManifest(raw)
	if err != nil {
		return nil, err
	}
	layer := func(_ context.Context, descriptor v1.Descriptor) (io.ReadCloser, error) {
		layer, err := found.LayerByDigest(descriptor.Digest)
		if err != nil {
			return nil, err
		}
		return layer.Compressed()
	}
	return &image{digest: digest, manifest: manifest, layer: layer, config: found.RawConfigFile}, nil
}

// newTransport reaches what it may only, and trusts the certificates in pem as well. It serves one import.
func newTransport(pem string, opts Options) (http.RoundTripper, error) {
	roots, err := source.RootCAs(pem)
	if err != nil {
		return nil, failure.Permanent(failure.InvalidRequest, "the CA certificate of the registry: %w", err)
	}
	return &http.Transport{
		Proxy:                  opts.Egress.Proxy,
		DialContext:            opts.Egress.Dialer(dialTimeout).DialContext,
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
	}, nil
}

// explain gives an error of the registry, the network or the image a reason.
func explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return failure.From(cause)
	}
	if typed, ok := errors.AsType[*failure.Error](err); ok {
		return typed
	}
	if refused, ok := errors.AsType[*transport.Error](err); ok {
		return explainStatus(refused)
	}
	if strings.Contains(err.Error(), libraryRefuses) {
		return failure.Transient(failure.AddressRefused, "the registry redirects to an address that is not public, which pulls don't follow")
	}
	return failure.Transient(failure.ConnectionFailed, "read the image: %s", egress.Explain(err, "what the registry answers is no container image for "+platform().String()))
}

// explainStatus leaves out what the library has: the body of the answer.
func explainStatus(refused *transport.Error) error {
	status := egress.Status(refused.StatusCode)
	if refused.Request != nil {
		status = fmt.Sprintf("%s, from %s", status, refused.Request.URL.Host)
	}
	switch refused.StatusCode {
	case http.StatusNotFound:
		return failure.Transient(failure.NotFound, "the registry has no such image: %s", status)
	case http.StatusUnauthorized, http.StatusForbidden:
		return failure.Transient(failure.Unauthorized,
			"the registry refuses: check the name of the image and the imagePullSecret: %s", status)
	case http.StatusTooManyRequests:
		return failure.Transient(failure.ServerError, "the registry has had too many requests: %s", status)
	}
	return failure.Transient(failure.ServerError, "the registry answered: %s", status)
}
