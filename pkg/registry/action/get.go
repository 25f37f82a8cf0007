// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"encoding/json"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/klog/v2"
)

// Ask returns what is asked for of the object of that name, to be sent as JSON.
type Ask func(ctx context.Context, name string) (any, error)

// Get is the storage of a question: a GET on a subresource whose answer is no stored object. As in
// KubeVirt, every failure is a 500 with the reason as plain text.
type Get struct {
	kind runtime.Object
	ask  Ask
}

var (
	_ rest.Storage   = &Get{}
	_ rest.Connecter = &Get{}
)

// NewGet returns the storage of a question about objects of the given kind.
func NewGet(kind runtime.Object, ask Ask) *Get { return &Get{kind: kind, ask: ask} }

// New implements rest.Storage.
func (g *Get) New() runtime.Object { return g.kind.DeepCopyObject() }

// Destroy implements rest.Storage.
func (g *Get) Destroy() {}

// ConnectMethods implements rest.Connecter. The method decides the verb: GET is get.
func (g *Get) ConnectMethods() []string { return []string{http.MethodGet} }

// NewConnectOptions implements rest.Connecter.
func (g *Get) NewConnectOptions() (runtime.Object, bool, string) { return nil, false, "" }

// OverrideMetricsVerb is asked by the handlers' metrics: a question is a get, not a connection.
func (g *Get) OverrideMetricsVerb(string) string { return "GET" }

// Connect implements rest.Connecter.
func (g *Get) Connect(ctx context.Context, name string, _ runtime.Object, _ rest.Responder) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer, err := g.ask(ctx, name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			klog.FromContext(ctx).V(2).Info("Can't answer a question", "name", name, "err", err)
		}
	}), nil
}
