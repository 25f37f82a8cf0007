// SPDX-License-Identifier: Apache-2.0

// Package action makes REST storage of an action: a PUT on a subresource that changes something and
// returns no object, with the status codes and the lenient bodies of KubeVirt's actions. What an action
// does is with the resource that it acts on.
package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/yaml"
)

// maxBody is far more than any action's options need.
const maxBody = 64 << 10

// Do carries an action out on the object of that name, with the options that the body held.
type Do[Options any] func(ctx context.Context, name string, options *Options) error

// Put is the storage of an action.
type Put[Options any] struct {
	kind runtime.Object
	code int
	do   Do[Options]
}

var (
	_ rest.Storage   = &Put[struct{}]{}
	_ rest.Connecter = &Put[struct{}]{}
)

// NewPut returns the storage of an action on objects of the given kind. It answers code with an empty body.
func NewPut[Options any](kind runtime.Object, code int, do Do[Options]) *Put[Options] {
	return &Put[Options]{kind: kind, code: code, do: do}
}

// New implements rest.Storage.
func (p *Put[Options]) New() runtime.Object { return p.kind.DeepCopyObject() }

// Destroy implements rest.Storage.
func (p *Put[Options]) Destroy() {}

// ConnectMethods implements rest.Connecter. The method decides the verb: PUT is update.
func (p *Put[Options]) ConnectMethods() []string { return []string{http.MethodPut} }

// NewConnectOptions implements rest.Connecter.
func (p *Put[Options]) NewConnectOptions() (runtime.Object, bool, string) { return nil, false, "" }

// OverrideMetricsVerb is asked by the handlers' metrics: an action is an update, not a connection.
func (p *Put[Options]) OverrideMetricsVerb(string) string { return "PUT" }

// Connect implements rest.Connecter.
func (p *Put[Options]) Connect(ctx context.Context, name string, _ runtime.Object, responder rest.Responder) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		options := new(Options)
		if err := decode(http.MaxBytesReader(w, r.Body, maxBody), options); err != nil {
			responder.Error(err)
			return
		}
		if err := p.do(ctx, name, options); err != nil {
			responder.Error(err)
			return
		}
		w.WriteHeader(p.code)
	}), nil
}

// decode accepts what KubeVirt's clients send: JSON or YAML, nothing, null, or members that mean nothing.
func decode(body io.Reader, options any) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("the options of an action have at most %d bytes", tooLarge.Limit))
		}
		return apierrors.NewBadRequest(fmt.Sprintf("read the request body: %v", err))
	}
	if err := yaml.Unmarshal(raw, options); err != nil {
		return apierrors.NewBadRequest(fmt.Sprintf("Can not unmarshal Request body to struct, error: %v", err))
	}
	return nil
}

// IsDryRun says whether the dryRun member of an action's options asks that nothing be changed.
func IsDryRun(dryRun []string) bool {
	for _, value := range dryRun {
		if value == "All" {
			return true
		}
	}
	return false
}
