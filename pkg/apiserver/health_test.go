// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/http"
	"net/http/httptest"
	"testing"

	restful "github.com/emicklei/go-restful/v3"
	"github.com/stretchr/testify/assert"
)

func TestHealthIsThatOfTheServersOwnChecks(t *testing.T) {
	for name, test := range map[string]struct {
		ready int
		code  int
		text  string
	}{
		"well":   {http.StatusOK, http.StatusOK, `"connectivity": "ok"`},
		"unwell": {http.StatusServiceUnavailable, http.StatusInternalServerError, `"error": "etcd is down"`},
	} {
		t.Run(name, func(t *testing.T) {
			checks := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "/readyz", r.URL.Path)
				w.WriteHeader(test.ready)
				_, _ = w.Write([]byte("etcd is down"))
			})
			recorder := httptest.NewRecorder()
			request := httptest.NewRequest(http.MethodGet, "/apis/subresources.kubevirt.io/v1/healthz", nil)
			serveHealth(checks)(restful.NewRequest(request), restful.NewResponse(recorder))
			assert.Equal(t, test.code, recorder.Code)
			assert.Contains(t, recorder.Body.String(), test.text)
		})
	}
}
