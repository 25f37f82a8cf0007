// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// usualVerbosity is that of KubeVirt's components. What is logged above it is slog's Debug.
const usualVerbosity = 2

// setVerbosity changes how much is logged from now on.
func (s *Server) setVerbosity(r *http.Request) (any, error) {
	var request api.VerbosityRequest
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	level := slog.LevelInfo
	if request.Verbosity > usualVerbosity {
		level = slog.LevelDebug
	}
	s.level.Set(level)
	return nil, nil
}

// logged logs each request to next once it is answered.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		next.ServeHTTP(w, r)
		s.log.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "took", time.Since(began))
	})
}
