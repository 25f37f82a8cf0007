// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// PortForward returns the storage of the portforward subresource, for a parent of the given kind. Where the parent is
// not the instance, find knows it.
func (s *Storage) PortForward(kind runtime.Object, find Find) *StreamREST {
	devices := s.devices.of(find)
	return &StreamREST{kind: kind, subpath: true, serve: func(ctx context.Context, name string, w http.ResponseWriter, r *http.Request, responder rest.Responder) {
		devices.open(ctx, w, r, responder, func(ctx context.Context) (*kubevirtv1.VirtualMachineInstance, string, error) {
			return devices.port(ctx, name)
		})
	}}
}

// port returns the instance whose port is meant, and the stream of the port.
func (d *devices) port(ctx context.Context, name string) (*kubevirtv1.VirtualMachineInstance, string, error) {
	stream, err := portStream(subpath(ctx))
	if err != nil {
		return nil, "", err
	}
	vmi, err := d.find(ctx, name)
	switch {
	case err != nil:
		return nil, "", err
	case isPaused(vmi):
		return nil, "", conflict(name, "VMI is paused")
	case vmi.Status.Phase != kubevirtv1.Running:
		return nil, "", apierrors.NewBadRequest("VMI is not running")
	}
	return vmi, stream, nil
}

// portStream reads {port}[/{tcp|udp}].
func portStream(path []string) (string, error) {
	if len(path) == 0 || len(path) > 2 {
		return "", apierrors.NewBadRequest("the path must end in portforward/{port} or portforward/{port}/{protocol}")
	}
	port, err := strconv.ParseUint(path[0], 10, 16)
	if err != nil || port == 0 {
		return "", apierrors.NewBadRequest(fmt.Sprintf("port must be from 1 to 65535, not %q", path[0]))
	}
	protocol := streams.TCP
	if len(path) == 2 {
		protocol = path[1]
	}
	if protocol != streams.TCP && protocol != streams.UDP {
		return "", apierrors.NewBadRequest(fmt.Sprintf("protocol must be tcp or udp, not %q", protocol))
	}
	return streams.PortForward(uint16(port), protocol), nil
}
