// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// VNC returns the storage of the vnc subresource, with vnc/screenshot, for a parent of the given kind.
func (s *Storage) VNC(kind runtime.Object) *StreamREST {
	return &StreamREST{kind: kind, subpath: true, serve: s.devices.vnc}
}

func (d *devices) vnc(ctx context.Context, name string, w http.ResponseWriter, r *http.Request, responder rest.Responder) {
	switch rest := subpath(ctx); {
	case slices.Equal(rest, []string{"screenshot"}):
		d.screenshot(ctx, name, w, r)
	case len(rest) > 0:
		responder.Error(apierrors.NewNotFound(kubevirtv1.Resource("virtualmachineinstances/vnc"), rest[0]))
	default:
		d.screen(ctx, name, w, r, responder)
	}
}

// screen streams RFB. A newer session takes over, unless its client would rather be refused.
func (d *devices) screen(ctx context.Context, name string, w http.ResponseWriter, r *http.Request, responder rest.Responder) {
	preserve, err := flag(r, "preserveSession")
	if err != nil {
		responder.Error(err)
		return
	}
	stream := streams.VNC
	if preserve {
		stream = streams.VNCIfFree
	}
	d.open(ctx, w, r, responder, func(ctx context.Context) (*kubevirtv1.VirtualMachineInstance, string, error) {
		vmi, err := d.withScreen(ctx, name)
		return vmi, stream, err
	})
}

// screenshot answers with a PNG. Every failure is a 500 in plain text, as upstream's are.
func (d *devices) screenshot(ctx context.Context, name string, w http.ResponseWriter, r *http.Request) {
	var taken api.Screenshot
	move, err := flag(r, "moveCursor")
	if err == nil {
		var vmi *kubevirtv1.VirtualMachineInstance
		if vmi, err = d.withScreen(ctx, name); err == nil {
			err = d.calls.Call(ctx, vmi, api.ActionScreenshot, &api.ScreenshotRequest{MoveCursor: move}, &taken)
		}
	}
	if err != nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, err.Error())
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Content-Length", strconv.Itoa(len(taken.PNG)))
	if _, err := w.Write(taken.PNG); err != nil {
		klog.FromContext(ctx).V(2).Info("Can't send a screenshot", "err", err)
	}
}

// withScreen returns the instance if its screen can be seen now.
func (d *devices) withScreen(ctx context.Context, name string) (*kubevirtv1.VirtualMachineInstance, error) {
	vmi, err := d.find(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case !ptr.Deref(vmi.Spec.Domain.Devices.AutoattachGraphicsDevice, true):
		return nil, apierrors.NewBadRequest("No graphics devices are present.")
	case vmi.Status.Phase != kubevirtv1.Running:
		return nil, apierrors.NewBadRequest("VMI is not running")
	}
	return vmi, nil
}

// flag reads a query parameter that is true or false, and false where it is absent.
func flag(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	is, err := strconv.ParseBool(text)
	if err != nil {
		return false, apierrors.NewBadRequest("query parameter " + name + " must be true or false, not " + strconv.Quote(text))
	}
	return is, nil
}
