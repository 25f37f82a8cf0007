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

	"github.com/virt-apiserver/virt-apiserver/pkg/image/egress"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// noHTTP is of answers that the library can't read.
const noHTTP = "it does not answer as HTTP servers do"

// statusError explains a response that is not the image. The text of the status line is the server's own.
func statusError(resp *http.Response) error {
	where, status := place(resp.Request.URL), egress.Status(resp.StatusCode)
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound, code == http.StatusGone:
		return failure.Transient(failure.NotFound, "%s: the server answered %q: check the URL", where, status)
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return failure.Transient(failure.Unauthorized, "%s: the server answered %q: check the credentials in the secret that the source names", where, status)
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return failure.Transient(failure.ServerError, "%s: the server answered %q: see its logs", where, status)
	}
	return failure.Transient(failure.UnexpectedStatus, "%s: the server answered %q, expected 200: use the URL of the image itself", where, status)
}

// codingError refuses a body that the server coded in a way that the importer
// cannot undo. The compressions it knows are found by looking at the data.
func codingError(resp *http.Response) error {
	switch strings.ToLower(resp.Header.Get("Content-Encoding")) {
	case "", "identity", "gzip", "x-gzip", "zstd", "xz", "x-xz":
		return nil
	default:
		return failure.Permanent(failure.UnsupportedCoding,
			"%s: the server sends the image with a Content-Encoding that can't be undone, although it was asked not to: serve the file as it is",
			place(resp.Request.URL))
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
		return failure.Transient(failure.Stalled, "%s: the server does not answer: %s", place(where), egress.Explain(err, noHTTP))
	}
	return failure.Transient(failure.ConnectionFailed, "%s: no answer from the server: %s; check the host and port of the URL", place(where), egress.Explain(err, noHTTP))
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
