// SPDX-License-Identifier: Apache-2.0

package httpsource

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// statusError explains a response that is not the image.
func statusError(resp *http.Response) error {
	where := place(resp.Request.URL)
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound, code == http.StatusGone:
		return failure.Transient(failure.NotFound, "%s: the server answered %q: check the URL", where, resp.Status)
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return failure.Transient(failure.Unauthorized, "%s: the server answered %q: check the credentials in the secret that the source names", where, resp.Status)
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return failure.Transient(failure.ServerError, "%s: the server answered %q: see its logs", where, resp.Status)
	}
	return failure.Transient(failure.UnexpectedStatus, "%s: the server answered %q, expected 200: use the URL of the image itself", where, resp.Status)
}

// codingError refuses a body that the server coded in a way that the importer
// cannot undo. The compressions it knows are found by looking at the data.
func codingError(resp *http.Response) error {
	switch coding := strings.ToLower(resp.Header.Get("Content-Encoding")); coding {
	case "", "identity", "gzip", "x-gzip", "zstd", "xz", "x-xz":
		return nil
	default:
		return failure.Permanent(failure.UnsupportedCoding,
			"%s: the server sends the image with Content-Encoding %.40q although it was asked not to: serve the file as it is", place(resp.Request.URL), coding)
	}
}

// connectError explains why there is no response. The library's text repeats
// the URL, of which only the harmless part is told.
func connectError(where *url.URL, err error) error {
	if typed, ok := errors.AsType[*failure.Error](err); ok {
		return typed
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if isTLS(err) {
		return failure.Transient(failure.TLSFailure,
			"%s: no trusted TLS connection: %w; put the server's CA into the config map that certConfigMap names", place(where), err)
	}
	if isTimeout(err) {
		return failure.Transient(failure.Stalled, "%s: the server does not answer: %w", place(where), err)
	}
	return failure.Transient(failure.ConnectionFailed, "%s: no answer from the server: %w; check the host and port of the URL", place(where), err)
}

func isTLS(err error) bool {
	if errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		authority    x509.UnknownAuthorityError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &authority) ||
		strings.HasPrefix(err.Error(), "tls: ") || strings.HasPrefix(err.Error(), "remote error: tls: ")
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
