// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// Console returns the storage of the console subresource, for a parent of the given kind. Where the parent is not the
// instance, find knows it.
func (s *Storage) Console(kind runtime.Object, find Find) *StreamREST {
	return &StreamREST{kind: kind, serve: s.devices.of(find).console}
}

func (d *devices) console(ctx context.Context, name string, w http.ResponseWriter, r *http.Request, responder rest.Responder) {
	d.open(ctx, w, r, responder, func(ctx context.Context) (*kubevirtv1.VirtualMachineInstance, string, error) {
		vmi, err := d.withConsole(ctx, name)
		return vmi, streams.Console, err
	})
}

// withConsole returns the instance if its console can be opened now. That it does not run yet is a 400:
// clients try again on that code alone.
func (d *devices) withConsole(ctx context.Context, name string) (*kubevirtv1.VirtualMachineInstance, error) {
	vmi, err := d.find(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case !ptr.Deref(vmi.Spec.Domain.Devices.AutoattachSerialConsole, true):
		return nil, apierrors.NewBadRequest("No serial consoles are present.")
	case vmi.Status.Phase == kubevirtv1.Failed:
		return nil, conflict(name, "VMI is in failed status")
	case vmi.Status.Phase != kubevirtv1.Running:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("Unable to connect to VirtualMachineInstance because phase is %s instead of Running", vmi.Status.Phase))
	}
	return vmi, nil
}
