// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"net/http"

	restful "github.com/emicklei/go-restful/v3"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"

	"github.com/virt-apiserver/virt-apiserver/pkg/version"
)

// serveHealth says in the form of upstream's API server what /readyz of checks says.
func serveHealth(checks http.Handler) restful.RouteFunction {
	return func(request *restful.Request, response *restful.Response) {
		ready := request.Request.Clone(request.Request.Context())
		ready.URL.Path, ready.URL.RawQuery = "/readyz", ""
		result := &answer{header: http.Header{}, code: http.StatusOK}
		checks.ServeHTTP(result, ready)
		server := map[string]any{"connectivity": "ok", "version": version.KubeVirt()}
		if result.code != http.StatusOK {
			server = map[string]any{"connectivity": "failed", "error": result.body.String()}
			result.code = http.StatusInternalServerError
		}
		responsewriters.WriteRawJSON(result.code, map[string]any{"apiserver": server}, response.ResponseWriter)
	}
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(code int)        { a.code = code }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
