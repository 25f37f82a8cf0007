// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const (
	// requestTimeout is how long a client may take to send a request.
	requestTimeout = 30 * time.Second
	// writeTimeout is how long a watcher may take nothing.
	writeTimeout = 10 * time.Second
	// stopTimeout is how long requests may go on once the launcher was told to end.
	stopTimeout = 5 * time.Second
)

// Server serves a Manager; package api has the requests and answers.
type Server struct {
	manager *Manager
	log     *slog.Logger
	// level is what log heeds.
	level *slog.LevelVar
}

// NewServer returns a server of manager, which may be asked to change the level that log heeds.
func NewServer(manager *Manager, log *slog.Logger, level *slog.LevelVar) *Server {
	return &Server{manager, log, level}
}

// Serve answers on the unix socket until ctx ends. What was begun by then has a few seconds.
func (s *Server) Serve(ctx context.Context, socket string) error {
	listener, err := listen(ctx, socket, s.log)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s.logged(s.handler(ctx)),
		ReadHeaderTimeout: requestTimeout,
		ReadTimeout:       requestTimeout,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		_ = server.Shutdown(grace)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

// handler routes the requests. Watches and streams end with ctx.
func (s *Server) handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/health", s.answer(func(*http.Request) (any, error) { return s.manager.Health(os.Getpid()), nil }))
	mux.Handle("PUT /v1/verbosity", s.answer(s.setVerbosity))
	mux.HandleFunc("GET /v1/domains", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "true" {
			s.watch(ctx, w, r)
			return
		}
		s.answer(func(*http.Request) (any, error) { return s.manager.List() })(w, r)
	})
	mux.Handle("GET /v1/domains/{namespace}/{name}", s.answer(func(r *http.Request) (any, error) { return s.manager.Domain(targetFrom(r)) }))
	mux.Handle("PUT /v1/domains/{namespace}/{name}", s.answer(s.start))
	mux.Handle("DELETE /v1/domains/{namespace}/{name}", s.answer(s.delete))
	mux.Handle("POST /v1/domains/{namespace}/{name}/shutdown", s.answer(s.shutdown))
	mux.Handle("POST /v1/domains/{namespace}/{name}/resize", s.answer(s.resize))
	mux.Handle("POST /v1/domains/{namespace}/{name}/plug", s.answer(changing(s.manager.Plug)))
	mux.Handle("POST /v1/domains/{namespace}/{name}/unplug", s.answer(changing(s.manager.Unplug)))
	mux.Handle("POST /v1/domains/{namespace}/{name}/interface", s.answer(changing(s.manager.SetInterface)))
	mux.Handle("GET /v1/kept", s.answer(func(*http.Request) (any, error) { return s.manager.Kept() }))
	mux.Handle("DELETE /v1/kept/{uuid}", s.answer(func(r *http.Request) (any, error) {
		return nil, s.manager.Forget(r.PathValue("uuid"), types.UID(r.URL.Query().Get("owner")))
	}))
	for action, do := range s.calls() {
		mux.Handle("POST /v1/domains/{namespace}/{name}/"+action, s.answer(do))
	}
	for action, do := range s.agentCalls() {
		mux.Handle("POST /v1/domains/{namespace}/{name}/"+action, s.answer(do))
	}
	for _, stream := range []Stream{StreamConsole, StreamVNC} {
		mux.HandleFunc("GET /v1/domains/{namespace}/{name}/"+string(stream), func(w http.ResponseWriter, r *http.Request) {
			s.stream(w, r, func(accept accept) error { return s.manager.Connect(ctx, targetFrom(r), stream, accept) })
		})
	}
	mux.HandleFunc("GET /v1/domains/{namespace}/{name}/vsock/{port}", func(w http.ResponseWriter, r *http.Request) {
		s.stream(w, r, func(accept accept) error {
			port, err := strconv.ParseUint(r.PathValue("port"), 10, 32)
			if err != nil {
				return invalid(fmt.Errorf("port: %w", err))
			}
			return s.manager.ConnectVSOCK(ctx, targetFrom(r), uint32(port), accept)
		})
	})
	return mux
}

func (s *Server) start(r *http.Request) (any, error) {
	var request api.StartRequest
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	if instance := request.Instance; instance != nil && keyFrom(r) != (types.NamespacedName{Namespace: instance.Namespace, Name: instance.Name}) {
		return nil, invalid(errors.New("instance: is another than the path names"))
	}
	// A start goes on when the agent goes away: half a start helps nobody.
	return s.manager.Start(context.WithoutCancel(r.Context()), &request)
}

func (s *Server) shutdown(r *http.Request) (any, error) {
	var request api.ShutdownRequest
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	return nil, s.manager.Shutdown(keyFrom(r), request)
}

func (s *Server) resize(r *http.Request) (any, error) {
	var request api.ResizeRequest
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	return s.manager.Resize(targetFrom(r), request)
}

// changing makes a handler of what changes a domain and returns its status.
func changing[R any](change func(api.Target, R) (*api.DomainStatus, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var request R
		if err := decode(r, &request); err != nil {
			return nil, err
		}
		return change(targetFrom(r), request)
	}
}

func (s *Server) delete(r *http.Request) (any, error) {
	uid := r.URL.Query().Get("uid")
	if uid == "" {
		return nil, invalid(errors.New("uid: is needed, lest a newer instance is deleted"))
	}
	return nil, s.manager.Delete(keyFrom(r), types.UID(uid))
}

func keyFrom(r *http.Request) types.NamespacedName {
	return types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
}

// answer sends what handle returns, as JSON.
func (s *Server) answer(handle func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := handle(r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		if body == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		s.send(w, http.StatusOK, body)
	}
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	told := &api.Error{Reason: api.ErrorInternal, Message: err.Error()}
	errors.As(err, &told)
	s.log.Info("refused", "method", r.Method, "path", r.URL.Path, "reason", told.Reason, "message", told.Message)
	s.send(w, told.Code(), told)
}

func (s *Server) send(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.log.Info("can't answer", "error", err)
	}
}

// decode reads one JSON value of at most api.MaxRequestBytes without fields that it does not know.
func decode(r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, api.MaxRequestBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return invalid(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return invalid(errors.New("there is more than one JSON value"))
	}
	return nil
}
