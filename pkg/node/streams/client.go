// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"net/http"
	"strings"

	"k8s.io/client-go/rest"
)

// ClientFor returns the address of the server that config is for, without a slash at its end, and a client with
// which Dial opens streams there: it speaks HTTP/1.1, as HTTP/2 can't be upgraded, and has no limit of time.
func ClientFor(config *rest.Config) (address string, client *http.Client, err error) {
	config = rest.CopyConfig(config)
	config.NextProtos = []string{"http/1.1"}
	config.Timeout = 0
	client, err = rest.HTTPClientFor(config)
	if err != nil {
		return "", nil, err
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return "", nil, err
	}
	return strings.TrimSuffix(base.String(), "/"), client, nil
}
