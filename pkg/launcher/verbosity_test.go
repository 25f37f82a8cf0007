// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRequestsAreLoggedFromTheMomentThatItIsAskedFor(t *testing.T) {
	var logged bytes.Buffer
	level := &slog.LevelVar{}
	server := NewServer(newBench(t).Manager, slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: level})), level)
	handler := server.logged(server.handler(t.Context()))
	ask := func(verbosity string) int {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPut, "/v1/verbosity", strings.NewReader(`{"verbosity":`+verbosity+`}`)))
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/health", nil))
		return answer.Code
	}
	for _, step := range []struct {
		verbosity string
		logs      bool
	}{{"2", false}, {"3", true}, {"0", false}} {
		logged.Reset()
		assert.Equal(t, http.StatusNoContent, ask(step.verbosity))
		assert.Equal(t, step.logs, strings.Contains(logged.String(), "path=/v1/health"), step.verbosity)
	}
	assert.Equal(t, http.StatusUnprocessableEntity, ask(`"much"`))
}
