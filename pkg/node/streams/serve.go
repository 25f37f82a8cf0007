// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"net"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
)

// datagrams is a stream that may be one of datagrams, each of which is a message of its own.
type datagrams interface {
	Datagrams() bool
}

// Serve answers r with the stream that open gives, and returns when the stream has ended. The stream is
// opened only for a WebSocket, and before it is accepted: what open refuses goes to refuse as an answer of
// its own. The stream ends with r's context.
func Serve(w http.ResponseWriter, r *http.Request, open func(context.Context) (net.Conn, error), refuse func(error)) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		refuse(apierrors.NewBadRequest("this is a stream: open it as a WebSocket with the subprotocol " + Subprotocol))
		return
	}
	conn, err := open(r.Context())
	if err != nil {
		refuse(err)
		return
	}
	defer conn.Close()
	logger := klog.FromContext(r.Context())
	socket, err := Accept(w, r)
	if err != nil {
		logger.V(2).Info("Refused a stream", "err", err)
		return
	}
	if d, ok := conn.(datagrams); ok {
		socket.datagrams = d.Datagrams()
	}
	err = Bridge(r.Context(), socket, conn)
	logger.V(2).Info("Stream ended", "path", r.URL.Path, "why", err)
}
