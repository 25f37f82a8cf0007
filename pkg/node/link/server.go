// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// stopTimeout is for requests that are no streams.
const stopTimeout = 5 * time.Second

// Server is the agent's listener.
type Server struct {
	options ServerOptions
	handler http.Handler

	mu       sync.Mutex
	stopping bool
	open     sync.WaitGroup
}

// NewServer returns a Server of handler.
func NewServer(options ServerOptions, handler http.Handler) *Server {
	return &Server{options: options, handler: handler}
}

// Run listens until ctx is done, which is also the end of what handler's requests are given, and returns
// when the last of them has.
func (s *Server) Run(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.options.address())
	if err != nil {
		return fmt.Errorf("listen for API servers: %w", err)
	}
	return s.Serve(ctx, listener)
}

// Serve is Run on a listener that there is already.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           http.HandlerFunc(s.count),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       10 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(tls.NewListener(listener, s.options.serverTLS())) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve API servers: %w", err)
	case <-ctx.Done():
	}
	s.stop(server)
	return nil
}

// stop waits for the streams, which end with the context of their requests. The server itself knows them
// no more.
func (s *Server) stop(server *http.Server) {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	_ = server.Shutdown(ctx)
	_ = server.Close()
	s.open.Wait()
}

// count keeps Run from returning while streams are being ended.
func (s *Server) count(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		Refuse(w, apierrors.NewServiceUnavailable("the agent is stopping"))
		return
	}
	defer s.open.Done()
	s.handler.ServeHTTP(w, r)
}

func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.open.Add(1)
	return true
}

// serverTLS reads the files for each handshake, so that renewed certificates are used without a restart,
// and lets in only clients with one of the names that an API server has.
func (o ServerOptions) serverTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			certificate, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
			if err != nil {
				return nil, fmt.Errorf("read the serving certificate: %w", err)
			}
			clients, err := certificatePool(o.ClientCA)
			if err != nil {
				return nil, err
			}
			return &tls.Config{
				MinVersion:       tls.VersionTLS13,
				Certificates:     []tls.Certificate{certificate},
				ClientAuth:       tls.RequireAndVerifyClientCert,
				ClientCAs:        clients,
				NextProtos:       []string{"http/1.1"},
				VerifyConnection: o.verifyClient,
			}, nil
		},
	}
}

func (o ServerOptions) verifyClient(state tls.ConnectionState) error {
	name := state.PeerCertificates[0].Subject.CommonName
	if !slices.Contains(o.ClientNames, name) {
		return fmt.Errorf("client certificate of %q is not that of an API server", name)
	}
	return nil
}
