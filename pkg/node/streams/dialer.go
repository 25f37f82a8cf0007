// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"errors"
	"net"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
)

// dialTimeout bounds everything up to the first byte of a stream.
const dialTimeout = 15 * time.Second

// Dialer opens streams through the agents of nodes.
type Dialer struct {
	agents *link.Agents
}

// NewDialer returns a Dialer.
func NewDialer(agents *link.Agents) *Dialer {
	return &Dialer{agents: agents}
}

// Open opens a stream of vmi on the node that runs it. ctx bounds the opening only.
func (d *Dialer) Open(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	url, client, err := d.agents.Reach(ctx, vmi, stream)
	if err != nil {
		return nil, err
	}
	socket, err := Dial(ctx, url, client)
	if err != nil {
		var refused *apierrors.StatusError
		if errors.As(err, &refused) {
			return nil, refused
		}
		return nil, link.Unavailable(vmi, err)
	}
	socket.datagrams = hasDatagrams(stream)
	return &socketConn{Socket: socket, address: vmi.Status.NodeName}, nil
}
