// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"sigs.k8s.io/yaml"
)

const (
	// maxMembers is how many members an object or a list of a request may have. The library keeps the fields that
	// each manager has in sorted lists, and takes time for them that grows with the square of their length.
	maxMembers = 4096
	// narrowBody is how long a body is that is not looked at: what it can hold takes no time.
	narrowBody = 128 << 10
)

// refuseWide has config refuse requests with very many members, and objects that have got very many labels or
// annotations by and by.
func refuseWide(config *genericapiserver.Config) {
	build, limit := config.BuildHandlerChainFunc, config.MaxRequestBodyBytes
	config.BuildHandlerChainFunc = func(handler http.Handler, config *genericapiserver.Config) http.Handler {
		return build(narrow(handler, limit), config)
	}
	config.AdmissionControl = chain(fewKeys{}, config.AdmissionControl)
}

// chain returns both; the second may be nil.
func chain(first, second admission.Interface) admission.Interface {
	if second == nil {
		return admission.NewChainHandler(first)
	}
	return admission.NewChainHandler(first, second)
}

// narrow refuses bodies that are wide; limit is what the server reads of one, so that it answers to what is longer.
func narrow(handler http.Handler, limit int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, ok := genericapirequest.RequestInfoFrom(r.Context())
		if !ok || !info.IsResourceRequest || r.Body == nil || r.Method != http.MethodPost && r.Method != http.MethodPut && r.Method != http.MethodPatch {
			handler.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
		if err == nil && len(body) > narrowBody && int64(len(body)) <= limit && isWide(body, r.Header.Get("Content-Type")) {
			status := responsewriters.ErrorToAPIStatus(apierrors.NewRequestEntityTooLargeError(
				fmt.Sprintf("an object or a list in it has more than %d members", maxMembers)))
			responsewriters.WriteRawJSON(int(status.Code), status, w)
			return
		}
		r.Body = readCloser{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
		handler.ServeHTTP(w, r)
	})
}

type readCloser struct {
	io.Reader
	io.Closer
}

// isWide says whether an object or a list in the body has too many members. What can't be read is for the server to
// tell.
func isWide(body []byte, contentType string) bool {
	if strings.Contains(contentType, "yaml") {
		converted, err := yaml.YAMLToJSON(body)
		if err != nil {
			return false
		}
		body = converted
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	var left []int // tokens, of each object and list that is open
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		delim, is := token.(json.Delim)
		if is && (delim == '}' || delim == ']') {
			left = left[:len(left)-1]
			continue
		}
		if len(left) > 0 {
			if left[len(left)-1]--; left[len(left)-1] < 0 {
				return true
			}
		}
		switch {
		case is && delim == '{':
			left = append(left, 2*maxMembers) // a name and a value for each member
		case is:
			left = append(left, maxMembers)
		}
	}
}

// fewKeys bounds what an object may get by many requests.
type fewKeys struct{}

var _ admission.ValidationInterface = fewKeys{}

// Handles implements admission.Interface.
func (fewKeys) Handles(operation admission.Operation) bool {
	return operation == admission.Create || operation == admission.Update
}

// Validate implements admission.ValidationInterface.
func (fewKeys) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	object, err := meta.Accessor(a.GetObject())
	if err != nil {
		return nil
	}
	for name, keys := range map[string]map[string]string{"labels": object.GetLabels(), "annotations": object.GetAnnotations()} {
		if len(keys) > maxMembers {
			return apierrors.NewBadRequest(fmt.Sprintf("metadata.%s: must have at most %d items", name, maxMembers))
		}
	}
	return nil
}
