// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

const soon = 60 * time.Second

// server has one instance, web, whose console is bridged to guest.
type server struct {
	*httptest.Server

	mu       sync.Mutex
	refusals []refusal
	vm       *kubevirtv1.VirtualMachine
	// how wraps a guest's stream.
	how func(net.Conn) net.Conn
	// guest is where the guests' sides of sessions come out.
	guest chan net.Conn
}

type refusal struct {
	code   int
	reason string
	text   string
}

func newServer(t *testing.T) *server {
	s := &server{guest: make(chan net.Conn, 4)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/web/console", s.console)
	mux.HandleFunc("GET /apis/kubevirt.io/v1/namespaces/shop/virtualmachines/web", s.machine)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *server) console(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if len(s.refusals) > 0 {
		refused := s.refusals[0]
		if len(s.refusals) > 1 {
			s.refusals = s.refusals[1:]
		} else if refused.code == http.StatusBadRequest {
			s.refusals = nil
		}
		s.mu.Unlock()
		answer(w, refused)
		return
	}
	s.mu.Unlock()
	ours, guest := net.Pipe()
	if s.how != nil {
		ours = s.how(ours)
	}
	socket, err := streams.Accept(w, r)
	if err != nil {
		return
	}
	s.guest <- guest
	_ = streams.Bridge(r.Context(), socket, ours)
}

func answer(w http.ResponseWriter, refused refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refused.code)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure",
		"code": refused.code, "reason": refused.reason, "message": refused.text,
	})
}

func (s *server) machine(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vm == nil {
		answer(w, refusal{http.StatusNotFound, "NotFound", `virtualmachines.kubevirt.io "web" not found`})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.vm)
}

// session is a run of the command.
type session struct {
	t      *testing.T
	out    *screen
	errOut *screen
	done   chan error
	cancel context.CancelFunc
}

// screen is a buffer that can be read while it is written.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *server) run(t *testing.T, in io.Reader, args ...string) *session {
	t.Helper()
	flags := genericclioptions.NewConfigFlags(false)
	flags.APIServer, flags.Namespace = &s.URL, new(string)
	*flags.Namespace = "shop"
	kubeconfig := os.DevNull
	flags.KubeConfig = &kubeconfig
	session := &session{t: t, out: &screen{}, errOut: &screen{}, done: make(chan error, 1)}
	command := NewCommand(flags, genericiooptions.IOStreams{In: in, Out: session.out, ErrOut: session.errOut})
	command.SetArgs(append([]string{"web"}, args...))
	command.SilenceErrors, command.SilenceUsage = true, true
	ctx, cancel := context.WithCancel(t.Context())
	session.cancel = cancel
	go func() { session.done <- command.ExecuteContext(ctx) }()
	t.Cleanup(cancel)
	return session
}

func (s *session) wait() error {
	s.t.Helper()
	select {
	case err := <-s.done:
		return err
	case <-time.After(soon):
		require.Fail(s.t, "the command does not end", s.errOut.String())
		return nil
	}
}

func (s *session) until(screen *screen, text string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return strings.Contains(screen.String(), text) }, soon, 5*time.Millisecond, "%q is not shown", text)
}

func (s *server) nextGuest(t *testing.T) net.Conn {
	t.Helper()
	select {
	case guest := <-s.guest:
		t.Cleanup(func() { guest.Close() })
		return guest
	case <-time.After(soon):
		require.Fail(t, "no session")
		return nil
	}
}

// openPTY returns a terminal and its user's side.
func openPTY(t *testing.T) (user, terminal *os.File) {
	t.Helper()
	user, terminal, err := pty.Open()
	require.NoError(t, err)
	t.Cleanup(func() { user.Close(); terminal.Close() })
	return user, terminal
}

func modeOf(t *testing.T, terminal *os.File) *term.State {
	t.Helper()
	state, err := term.GetState(int(terminal.Fd()))
	require.NoError(t, err)
	return state
}

func expect(t *testing.T, guest io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(guest, got)
	require.NoError(t, err)
	assert.Equal(t, want, string(got))
}
