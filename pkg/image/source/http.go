// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// HTTP is an image behind an http or https URL. Everything but the URL and
// InsecureSkipVerify may be secret and is sent to the URL's own host only.
type HTTP struct {
	URL string `json:"url"`
	// Username and Password are sent as basic authentication when either is set.
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	// ExtraHeaders are "Name: value" lines.
	ExtraHeaders []string `json:"extraHeaders,omitempty"`
	// CACert holds PEM certificates that are trusted beside the system's.
	CACert string `json:"caCert,omitempty"`
	// InsecureSkipVerify accepts any server certificate.
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
	// Checksum is empty or what ParseChecksum takes.
	Checksum string `json:"checksum,omitempty"`
}

// Validate returns an error that names the first field that cannot be used.
func (h HTTP) Validate() error {
	if _, err := ParseURL(h.URL); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	for i, line := range h.ExtraHeaders {
		if _, _, err := ParseHeader(line); err != nil {
			return fmt.Errorf("extraHeaders[%d]: %w", i, err)
		}
	}
	if err := validateCACert(h.CACert); err != nil {
		return err
	}
	if h.Checksum == "" {
		return nil
	}
	if _, err := ParseChecksum(h.Checksum); err != nil {
		return fmt.Errorf("checksum: %w", err)
	}
	return nil
}

// ParseURL accepts absolute http and https URLs that name a host.
func ParseURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, errors.New("source URL is empty")
	}
	// The parser's error repeats the URL, which may carry a password.
	u, err := url.ParseRequestURI(raw)
	if err != nil {
		return nil, errors.New("invalid source URL: want http://HOST/PATH or https://HOST/PATH")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("invalid source URL scheme %q: want http or https", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, errors.New("invalid source URL: it names no host")
	}
	return u, nil
}

// reservedHeaders are the importer's own: they decide how a body is framed,
// coded and resumed.
var reservedHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Length", "If-Range", "Range", "Te",
	"Trailer", "Transfer-Encoding", "Upgrade",
}

// ParseHeader splits a "Name: value" line. The name comes back canonical.
// Errors do not repeat the value, which may be a secret.
func ParseHeader(line string) (name, value string, err error) {
	name, value, found := strings.Cut(line, ":")
	if !found {
		return "", "", errors.New(`header has no colon: want "Name: value"`)
	}
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !httpguts.ValidHeaderFieldName(name) {
		return "", "", fmt.Errorf("header name %q holds a character that HTTP does not allow", name)
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return "", "", fmt.Errorf("the value of header %q holds a character that HTTP does not allow", name)
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	if slices.Contains(reservedHeaders, name) {
		return "", "", fmt.Errorf("header %q is set by the importer itself: remove it", name)
	}
	return name, value, nil
}
