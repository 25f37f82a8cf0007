// SPDX-License-Identifier: Apache-2.0

package calls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
)

// Caller makes calls; Local and Dialer are Callers.
type Caller interface {
	Call(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, action string, in, out any) error
}

// Handle has mux serve caller's calls, those of api.Actions and no others.
func Handle(mux *http.ServeMux, caller Caller) {
	mux.HandleFunc("POST "+link.Pattern, func(w http.ResponseWriter, r *http.Request) {
		answer, err := pass(caller, r)
		if err != nil {
			link.Refuse(w, err)
			return
		}
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if _, err := w.Write(answer); err != nil {
			klog.FromContext(r.Context()).V(2).Info("Can't answer a call", "path", r.URL.Path, "err", err)
		}
	})
}

// pass makes the call of r with the bodies as they are.
func pass(caller Caller, r *http.Request) (json.RawMessage, error) {
	action := link.What(r)
	if !slices.Contains(api.Actions(), action) {
		return nil, apierrors.NewGenericServerResponse(http.StatusNotFound, r.Method, kubevirtv1.Resource("virtualmachineinstances"),
			r.PathValue("name"), fmt.Sprintf("the agent knows no call %q; is it older than the API server?", action), 0, true)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, api.MaxCallBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("a call has at most %d bytes", tooLarge.Limit))
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("read a call: %v", err))
	}
	var in any
	if len(body) > 0 {
		in = json.RawMessage(body)
	}
	var answer json.RawMessage
	err = caller.Call(r.Context(), link.Instance(r), action, in, &answer)
	return answer, err
}
