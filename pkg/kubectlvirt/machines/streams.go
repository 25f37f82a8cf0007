// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"net/http"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// Console opens the serial console of the instance. ctx bounds the opening only.
func (c *Client) Console(ctx context.Context, name string) (*streams.Socket, error) {
	address, client, err := c.streamOf(Instances, name, "console")
	if err != nil {
		return nil, err
	}
	return streams.Dial(ctx, address, client)
}

// streamOf returns where a stream is, and a client for it: one without HTTP/2, which can't be upgraded, and
// without a limit of time.
func (c *Client) streamOf(resource, name, stream string) (address string, client *http.Client, err error) {
	config := rest.CopyConfig(c.config)
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
	return strings.TrimSuffix(base.String(), "/") + c.path(resource, name, stream), client, nil
}
