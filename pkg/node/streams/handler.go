// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"net"
	"net/http"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
)

// Opener opens a stream of an instance; Local and Dialer are Openers.
type Opener interface {
	Open(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error)
}

// Handle has mux serve opener's streams.
func Handle(mux *http.ServeMux, opener Opener) {
	mux.HandleFunc("GET "+link.Pattern, func(w http.ResponseWriter, r *http.Request) {
		open := func(ctx context.Context) (net.Conn, error) {
			return opener.Open(ctx, link.Instance(r), link.What(r))
		}
		Serve(w, r, open, func(err error) { link.Refuse(w, err) })
	})
}
