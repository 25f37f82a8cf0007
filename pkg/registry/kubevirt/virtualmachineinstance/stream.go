// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"
	"net"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

// maxSessions bounds the streams that are open at one time: they are long-running, so the server's own
// limits on requests do not count them.
const maxSessions = 1000

// Streams reaches the guests of all nodes.
type Streams interface {
	// Open returns the named stream of package streams (console) of the instance's guest. An error that
	// carries an API status is answered with it.
	Open(ctx context.Context, vmi *kubevirtv1.VirtualMachineInstance, stream string) (net.Conn, error)
}

// singular names the resource in errors as upstream's do.
var singular = kubevirtv1.Resource("virtualmachineinstance")

// StreamREST is a subresource that is opened by a GET.
type StreamREST struct {
	kind runtime.Object
	// subpath: there is more after the subresource's name.
	subpath bool
	serve   func(ctx context.Context, name string, w http.ResponseWriter, r *http.Request, responder rest.Responder)
}

var (
	_ rest.Storage   = &StreamREST{}
	_ rest.Connecter = &StreamREST{}
)

// New implements rest.Storage.
func (s *StreamREST) New() runtime.Object { return s.kind.DeepCopyObject() }

// Destroy implements rest.Storage.
func (s *StreamREST) Destroy() {}

// ConnectMethods implements rest.Connecter. The method decides the verb: GET is get.
func (s *StreamREST) ConnectMethods() []string { return []string{http.MethodGet} }

// NewConnectOptions implements rest.Connecter.
func (s *StreamREST) NewConnectOptions() (runtime.Object, bool, string) { return nil, s.subpath, "" }

// Connect implements rest.Connecter.
func (s *StreamREST) Connect(ctx context.Context, name string, _ runtime.Object, responder rest.Responder) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(ctx, name, w, r, responder)
	}), nil
}

// devices opens the streams of guests.
type devices struct {
	find     Find
	streams  Streams
	calls    Calls
	sessions chan struct{}
}

// Find returns the instance that is meant by the name of the parent, or says why there is none.
type Find func(ctx context.Context, name string) (*kubevirtv1.VirtualMachineInstance, error)

func newDevices(instances rest.Getter, streams Streams, calls Calls) *devices {
	find := func(ctx context.Context, name string) (*kubevirtv1.VirtualMachineInstance, error) {
		return get(ctx, instances, name)
	}
	return &devices{find: find, streams: streams, calls: calls, sessions: make(chan struct{}, maxSessions)}
}

// of returns the devices of the instances that find returns, nil for all. Their streams are counted together.
func (d *devices) of(find Find) *devices {
	if find == nil {
		return d
	}
	found := *d
	found.find = find
	return &found
}

// choose says which stream a request is for, once its instance is seen fit for it.
type choose func(ctx context.Context) (*kubevirtv1.VirtualMachineInstance, string, error)

// open answers a request with the chosen stream, and returns when that ends.
func (d *devices) open(ctx context.Context, w http.ResponseWriter, r *http.Request, responder rest.Responder, choose choose) {
	select {
	case d.sessions <- struct{}{}:
		defer func() { <-d.sessions }()
	default:
		responder.Error(apierrors.NewTooManyRequests(fmt.Sprintf("%d streams are open, which is the most; close one", maxSessions), 10))
		return
	}
	streams.Serve(w, r, func(context.Context) (net.Conn, error) {
		vmi, stream, err := choose(ctx)
		if err != nil {
			return nil, err
		}
		return d.streams.Open(ctx, vmi, stream)
	}, responder.Error)
}

// subpath is what follows the name of the subresource in the path.
func subpath(ctx context.Context) []string {
	info, ok := genericapirequest.RequestInfoFrom(ctx)
	if !ok || len(info.Parts) < 3 {
		return nil
	}
	return info.Parts[3:]
}
