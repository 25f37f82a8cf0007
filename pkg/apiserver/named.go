// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// takeNamedCreations has config answer a POST to the URL of an object as one to the URL of its resource, for the
// groups whose resources upstream defines by CustomResourceDefinitions: their server does so, and clients use it.
func takeNamedCreations(config *genericapiserver.Config, groups sets.Set[string]) {
	build := config.BuildHandlerChainFunc
	config.BuildHandlerChainFunc = func(handler http.Handler, config *genericapiserver.Config) http.Handler {
		return build(unnamed(handler, groups), config)
	}
	config.AdmissionControl = chain(sameName{}, config.AdmissionControl)
}

// unnamed takes the name off the path of such a request. What the request is about, which its sender was allowed, stays.
func unnamed(handler http.Handler, groups sets.Set[string]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, ok := genericapirequest.RequestInfoFrom(r.Context())
		if !ok || r.Method != http.MethodPost || info.Verb != "create" || info.Subresource != "" || info.Name == "" || !groups.Has(info.APIGroup) {
			handler.ServeHTTP(w, r)
			return
		}
		path := strings.TrimSuffix(r.URL.Path, "/")
		renamed := r.Clone(r.Context())
		renamed.URL.Path, renamed.URL.RawPath = path[:strings.LastIndex(path, "/")], ""
		handler.ServeHTTP(w, renamed)
	})
}

// sameName refuses to create an object of another name than that of the URL, for which its sender has the right.
type sameName struct{}

var _ admission.ValidationInterface = sameName{}

// Handles implements admission.Interface.
func (sameName) Handles(operation admission.Operation) bool { return operation == admission.Create }

// Validate implements admission.ValidationInterface.
func (sameName) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	object, err := meta.Accessor(a.GetObject())
	if err != nil || a.GetSubresource() != "" || a.GetName() == "" || a.GetName() == object.GetName() {
		return nil
	}
	return apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s) does not match the name on the URL (%s)", object.GetName(), a.GetName()))
}
