// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"
	"net"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// maxSessions bounds the streams that are open at one time: they are long-running, so the server's own
// limits on requests do not count them.
const maxSessions = 1000

// Streams reaches the guests of all nodes.
type Streams interface {
	// Open returns the named stream (console) of the instance's guest. An error that carries an API status
	// is answered with it.
	Open(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error)
}

// singular names the resource in errors as upstream's do.
var singular = kubevirtv1.Resource("virtualmachineinstance")

// console opens serial consoles.
type console struct {
	instances rest.Getter
	streams   Streams
	sessions  chan struct{}
}

func newConsole(instances rest.Getter, streams Streams) *console {
	return &console{instances: instances, streams: streams, sessions: make(chan struct{}, maxSessions)}
}

// ConsoleREST is the console subresource.
type ConsoleREST struct {
	kind    runtime.Object
	console *console
}

var (
	_ rest.Storage   = &ConsoleREST{}
	_ rest.Connecter = &ConsoleREST{}
)

// Console returns the storage of the console subresource, for a parent of the given kind.
func (s *Storage) Console(kind runtime.Object) *ConsoleREST {
	return &ConsoleREST{kind: kind, console: s.console}
}

// New implements rest.Storage.
func (r *ConsoleREST) New() runtime.Object { return r.kind.DeepCopyObject() }

// Destroy implements rest.Storage.
func (r *ConsoleREST) Destroy() {}

// ConnectMethods implements rest.Connecter. The method decides the verb: GET is get.
func (r *ConsoleREST) ConnectMethods() []string { return []string{http.MethodGet} }

// NewConnectOptions implements rest.Connecter.
func (r *ConsoleREST) NewConnectOptions() (runtime.Object, bool, string) { return nil, false, "" }

// Connect implements rest.Connecter.
func (r *ConsoleREST) Connect(ctx context.Context, name string, _ runtime.Object, responder rest.Responder) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		select {
		case r.console.sessions <- struct{}{}:
			defer func() { <-r.console.sessions }()
		default:
			responder.Error(apierrors.NewTooManyRequests(fmt.Sprintf("%d console sessions are open, which is the most; close one", maxSessions), 10))
			return
		}
		streams.Serve(w, req, func(context.Context) (net.Conn, error) {
			vmi, err := r.console.running(ctx, name)
			if err != nil {
				return nil, err
			}
			return r.console.streams.Open(ctx, vmi, streams.Console)
		}, responder.Error)
	}), nil
}

// running returns the instance if its console can be opened now. That it does not run yet is a 400:
// clients try again on that code alone.
func (c *console) running(ctx context.Context, name string) (*kubevirtv1.VirtualMachineInstance, error) {
	vmi, err := get(ctx, c.instances, name)
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
