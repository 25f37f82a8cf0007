// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const userAgent = "virt-apiserver"

func openRemote(ctx context.Context, src source.Container) (*image, error) {
	reference, err := name.ParseReference(src.Image)
	if err != nil {
		return nil, failure.Permanent(failure.InvalidRequest, "%q is no reference to an image: %v", src.Image, err)
	}
	roundTripper, err := newTransport(src.CACert)
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

// newTransport is the library's, which trusts the certificates in pem as well.
func newTransport(pem string) (http.RoundTripper, error) {
	roots, err := source.RootCAs(pem)
	if err != nil {
		return nil, failure.Permanent(failure.InvalidRequest, "the CA certificate of the registry: %w", err)
	}
	standard, ok := remote.DefaultTransport.(*http.Transport)
	if !ok || roots == nil {
		return remote.DefaultTransport, nil
	}
	trusting := standard.Clone()
	trusting.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return trusting, nil
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
		switch refused.StatusCode {
		case http.StatusNotFound:
			return failure.Transient(failure.NotFound, "the registry has no such image: %v", err)
		case http.StatusUnauthorized, http.StatusForbidden:
			return failure.Transient(failure.Unauthorized,
				"the registry refuses: check the name of the image and the imagePullSecret: %v", err)
		case http.StatusTooManyRequests:
			return failure.Transient(failure.ServerError, "the registry has had too many requests: %v", err)
		}
		return failure.Transient(failure.ServerError, "the registry answered: %v", err)
	}
	return failure.Transient(failure.ConnectionFailed, "read the image: %v", err)
}
