// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

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

// streamOf returns where a stream is, and a client for it.
func (c *Client) streamOf(resource, name, stream string) (address string, client *http.Client, err error) {
	base, client, err := streams.ClientFor(c.config)
	return base + c.path(resource, name, stream), client, err
}

// Screen opens the screen of the instance. Where preserve is true and another session is open, it fails.
func (c *Client) Screen(ctx context.Context, name string, preserve bool) (*streams.Socket, error) {
	address, client, err := c.streamOf(Instances, name, "vnc")
	if err != nil {
		return nil, err
	}
	if preserve {
		address += "?preserveSession=true"
	}
	socket, err := streams.Dial(ctx, address, client)
	if preserve && apierrors.IsServiceUnavailable(err) {
		return nil, &Hinted{err, []string{"End the other session: " + c.Command("virt vnc %s", name)}}
	}
	if err != nil {
		return nil, c.explainInstance(ctx, name, "vnc", "get", err)
	}
	return socket, nil
}

// Screenshot returns a picture of the instance's screen.
func (c *Client) Screenshot(ctx context.Context, name string, moveCursor bool) ([]byte, error) {
	request := c.clientset.KubevirtV1().RESTClient().Get().AbsPath(c.path(Instances, name, "vnc/screenshot"))
	if moveCursor {
		request = request.Param("moveCursor", "true")
	}
	picture, err := request.DoRaw(ctx)
	if err != nil {
		return nil, c.explainPlain(ctx, name, "vnc", err)
	}
	return picture, nil
}

// PortForward opens a connection to a port of the target. Where protocol is streams.UDP, each read and each
// write is a datagram.
func (c *Client) PortForward(ctx context.Context, target Target, port uint16, protocol string) (*streams.Socket, error) {
	address, client, err := c.streamOf(target.Resource, target.Name, streams.PortForward(port, protocol))
	if err != nil {
		return nil, err
	}
	dial := streams.Dial
	if protocol == streams.UDP {
		dial = streams.DialDatagrams
	}
	socket, err := dial(ctx, address, client)
	switch {
	case err == nil:
		return socket, nil
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return nil, c.explainForbidden(target.Resource, target.Name, "portforward", "get", err)
	default:
		return nil, c.explainInstance(ctx, target.Name, "portforward", "get", err)
	}
}
