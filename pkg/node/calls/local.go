// SPDX-License-Identifier: Apache-2.0

package calls

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// Launcher answers calls for the domains on this machine. Its refusals are *api.Error.
type Launcher interface {
	Call(ctx context.Context, domain api.Target, action string, in, out any) error
}

// Local calls the launcher of this machine.
type Local struct {
	launcher Launcher
	places   chan struct{}
}

// NewLocal returns a Local that makes at most maxCalls at a time.
func NewLocal(launcher Launcher, maxCalls int) *Local {
	return &Local{launcher: launcher, places: make(chan struct{}, maxCalls)}
}

// Call has the launcher carry action out on vmi's domain with in, which may be nil, and decodes its answer
// into out, which may be nil. Of vmi only namespace, name and UID count.
func (l *Local) Call(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, action string, in, out any) error {
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
	default:
		return apierrors.NewServiceUnavailable(fmt.Sprintf("the node is busy with %d calls, which is the most; try again", cap(l.places)))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := l.launcher.Call(ctx, api.Target{Namespace: vmi.Namespace, Name: vmi.Name, UID: vmi.UID}, action, in, out)
	if err != nil && ctx.Err() != nil {
		return late(action)
	}
	return refusal(vmi.Name, err)
}

// late says that no answer came in time, or that the caller went away.
func late(action string) error {
	return apierrors.NewTimeoutError(action+": the guest's node did not answer in time; what was asked for may happen yet", 0)
}

// refusal is what a client is told where the launcher refused a call.
func refusal(name string, err error) error {
	if err == nil {
		return nil
	}
	var refused *api.Error
	if !errors.As(err, &refused) {
		return apierrors.NewServiceUnavailable(fmt.Sprintf("the launcher does not answer; it is restarted if need be: %v", err))
	}
	resource := kubevirtv1.Resource("virtualmachineinstance")
	switch refused.Reason {
	case api.ErrorNotFound:
		return apierrors.NewNotFound(resource, name)
	case api.ErrorNotRunning, api.ErrorConflict:
		return apierrors.NewConflict(resource, name, refused)
	case api.ErrorInvalid:
		return apierrors.NewBadRequest(refused.Message)
	case api.ErrorLibvirtUnavailable, api.ErrorLimit:
		return apierrors.NewServiceUnavailable(refused.Message)
	default:
		return &apierrors.StatusError{ErrStatus: metav1.Status{
			Status:  metav1.StatusFailure,
			Code:    http.StatusInternalServerError,
			Reason:  metav1.StatusReasonInternalError,
			Message: refused.Message,
		}}
	}
}
