// SPDX-License-Identifier: Apache-2.0

package httpsource

import (
	"net/http"
	"net/url"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

const maxRedirects = 10

// redirectPolicy decides on each redirect: via holds the requests so far, and
// secret the headers that belong to the first one's host alone.
func redirectPolicy(secret http.Header) func(req *http.Request, via []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return failure.Transient(failure.TooManyRedirects,
				"the server at %s redirected more than %d times: use the URL of the image itself", via[0].URL.Host, maxRedirects)
		}
		if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
			return failure.Permanent(failure.RedirectRefused,
				"the server redirected to a URL that is neither http nor https: use the URL of the image itself")
		}
		// The library tells the next host where the last one sent it, query included.
		req.Header.Del("Referer")
		if len(secret) > 0 && via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme == "http" {
			return failure.Permanent(failure.RedirectRefused,
				"the server redirected from https to http (%s), which is refused as the request carries credentials: use an https URL that stays on https", req.URL.Host)
		}
		if !staysHome(req, via) {
			for name := range secret {
				req.Header.Del(name)
			}
			req.Header.Del("Authorization")
			req.Header.Del("Cookie")
		}
		return nil
	}
}

// staysHome reports whether all requests, req included, go to the first one's
// host. Once a transfer left it, nothing secret is sent any more.
func staysHome(req *http.Request, via []*http.Request) bool {
	home := via[0].URL
	for _, r := range via[1:] {
		if !sameHost(home, r.URL) {
			return false
		}
	}
	return sameHost(home, req.URL)
}

// sameHost reports whether to is the server of from, or its https port.
func sameHost(from, to *url.URL) bool {
	if from.Hostname() != to.Hostname() {
		return false
	}
	if from.Scheme == to.Scheme {
		return port(from) == port(to)
	}
	return from.Scheme == "http" && port(from) == "80" && port(to) == "443"
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
