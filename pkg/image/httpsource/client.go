// SPDX-License-Identifier: Apache-2.0

package httpsource

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

const (
	userAgent      = "virt-importer"
	maxHeaderBytes = 64 << 10
	// dialTimeout is for each address of a server, and once more for TLS.
	dialTimeout = 30 * time.Second
	// headerTimeout is for each answer to begin.
	headerTimeout = time.Minute
)

// newTransport returns a transport of its own for one import, so that neither
// certificates nor connections are shared. It speaks HTTP/1.1, which is the
// fastest for one long body.
func newTransport(src source.HTTP, opts Options) (*http.Transport, error) {
	roots, err := source.RootCAs(src.CACert)
	if err != nil {
		return nil, failure.Permanent(failure.InvalidRequest, "the CA certificate of the source: %w", err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  opts.Egress.Proxy,
		DialContext:            opts.Egress.Dialer(dialTimeout).DialContext,
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  min(opts.IdleTimeout, headerTimeout),
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         64 << 10,
		// The checksum is over what the server stores: nothing is decoded on the way.
		DisableCompression: true,
		Protocols:          protocols,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            roots,
			InsecureSkipVerify: src.InsecureSkipVerify,
		},
	}, nil
}

// newHeader returns the headers for the source's own host, Host apart.
func newHeader(src source.HTTP, u *url.URL) (header http.Header, host string, err error) {
	header = http.Header{}
	req := http.Request{Header: header}
	username, password := src.Username, src.Password
	if username == "" && password == "" && u.User != nil {
		username = u.User.Username()
		password, _ = u.User.Password()
	}
	if username != "" || password != "" {
		req.SetBasicAuth(username, password)
	}
	for i, line := range src.ExtraHeaders {
		name, value, err := source.ParseHeader(line)
		if err != nil {
			return nil, "", failure.Permanent(failure.InvalidRequest, "extraHeaders[%d]: %w", i, err)
		}
		if name == "Host" {
			host = value
			continue
		}
		header.Add(name, value)
	}
	return header, host, nil
}

// place names u in messages: user, password and query may be secret.
func place(u *url.URL) string {
	return fmt.Sprintf("%s://%s%s", u.Scheme, u.Host, u.EscapedPath())
}
