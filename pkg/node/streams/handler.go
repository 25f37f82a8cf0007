// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"fmt"
	"net"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
)

// Opener opens a stream of an instance; Local and Dialer are Openers.
type Opener interface {
	Open(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error)
}

// Find returns an instance as the agent itself knows it, by the namespace, name and UID of named. An API
// server's word is not taken for more: a guest's address is what the agent has found.
type Find func(named *kubevirtv1.VirtualMachineInstance) (*kubevirtv1.VirtualMachineInstance, error)

// Handle has mux serve opener's streams of the instances that find finds.
func Handle(mux *http.ServeMux, opener Opener, find Find) {
	mux.HandleFunc("GET "+link.Pattern, func(w http.ResponseWriter, r *http.Request) {
		open := func(ctx context.Context) (net.Conn, error) {
			named := link.Instance(r)
			vmi, err := find(named)
			if err != nil {
				return nil, err
			}
			if vmi.UID != named.UID {
				return nil, apierrors.NewConflict(kubevirtv1.Resource("virtualmachineinstance"), vmi.Name,
					fmt.Errorf("the node has another instance of that name, %s", vmi.UID))
			}
			return opener.Open(ctx, vmi, link.What(r))
		}
		Serve(w, r, open, func(err error) { link.Refuse(w, err) })
	})
}
