// SPDX-License-Identifier: Apache-2.0

package calls

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
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
	if err != nil {
		return link.LauncherRefusal(vmi.Name, err)
	}
	return nil
}

// late says that no answer came in time, or that the caller went away.
func late(action string) error {
	return apierrors.NewTimeoutError(action+": the guest's node did not answer in time; what was asked for may happen yet", 0)
}
