// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// VSOCK returns the storage of the vsock subresource, for a parent of the given kind.
func (s *Storage) VSOCK(kind runtime.Object) *StreamREST {
	return &StreamREST{kind: kind, serve: s.devices.vsock}
}

func (d *devices) vsock(ctx context.Context, name string, w http.ResponseWriter, r *http.Request, responder rest.Responder) {
	d.open(ctx, w, r, responder, func(ctx context.Context) (*kubevirtv1.VirtualMachineInstance, string, error) {
		port, err := vsockPort(r.URL.Query())
		if err != nil {
			return nil, "", err
		}
		vmi, err := d.withVSOCK(ctx, name)
		return vmi, streams.VSOCK(port), err
	})
}

func (d *devices) withVSOCK(ctx context.Context, name string) (*kubevirtv1.VirtualMachineInstance, error) {
	vmi, err := d.find(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case !ptr.Deref(vmi.Spec.Domain.Devices.AutoattachVSOCK, false):
		return nil, apierrors.NewBadRequest("VSOCK is not attached.")
	case vmi.Status.Phase != kubevirtv1.Running:
		return nil, apierrors.NewBadRequest("VMI is not running")
	}
	return vmi, nil
}

// vsockPort reads the parameters. Without tls, upstream would have the node speak TLS to the guest, with a certificate
// that guests learn to trust from a service of the node; there is none here, and no client is left to believe so.
func vsockPort(query url.Values) (uint32, error) {
	text := query.Get("port")
	port, err := strconv.ParseUint(text, 10, 32)
	switch {
	case text == "":
		return 0, apierrors.NewBadRequest("query parameter port is needed: the port at which the guest listens")
	case err != nil || port == 0 || port == math.MaxUint32:
		return 0, apierrors.NewBadRequest(fmt.Sprintf("query parameter port must be from 1 to 4294967294, not %q", text))
	}
	secure := true
	if text := query.Get("tls"); text != "" {
		if secure, err = strconv.ParseBool(text); err != nil {
			return 0, apierrors.NewBadRequest(fmt.Sprintf("query parameter tls must be true or false, not %q", text))
		}
	}
	if secure {
		return 0, apierrors.NewBadRequest("the node speaks no TLS to the guest: give the query parameter tls=false, and encrypt from end to end where that is wanted")
	}
	return uint32(port), nil
}
