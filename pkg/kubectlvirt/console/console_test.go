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

const soon = 10 * time.Second

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

func TestEveryKeyIsTheGuestsUntilTheEscape(t *testing.T) {
	s := newServer(t)
	user, terminal := openPTY(t)
	before := modeOf(t, terminal)
	session := s.run(t, terminal)
	guest := s.nextGuest(t)
	session.until(session.errOut, "Ctrl-] leaves it")
	assert.NotEqual(t, before, modeOf(t, terminal), "raw while the session lasts")

	_, err := user.WriteString("ls\r\x03\x04\x1a\x13")
	require.NoError(t, err)
	expect(t, guest, "ls\r\x03\x04\x1a\x13")
	_, err = guest.Write([]byte("\x1b[31mlogin: "))
	require.NoError(t, err)
	session.until(session.out, "\x1b[31mlogin: ")

	_, err = user.WriteString("bye\x1dnot sent")
	require.NoError(t, err)
	expect(t, guest, "bye")
	require.NoError(t, session.wait())
	assert.Equal(t, before, modeOf(t, terminal), "as it was")
	assert.Contains(t, session.errOut.String(), "Back to it: kubectl virt console web -n shop")
	_, err = guest.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF)
}

// ended is a guest's stream that ends in a given way.
type ended struct {
	net.Conn
	err error
}

func (e ended) Read([]byte) (int, error) { return 0, e.err }

func TestTerminalIsRestoredHoweverTheSessionEnds(t *testing.T) {
	tests := map[string]struct {
		how   func(net.Conn) net.Conn
		after func(*session, net.Conn)
		want  string
		fails bool
	}{
		"guest powered off": {nil, func(_ *session, guest net.Conn) { guest.Close() }, "its guest has ended", false},
		"signal":            {nil, func(session *session, _ net.Conn) { session.cancel() }, "Left the console", false},
		"taken over": {func(conn net.Conn) net.Conn { return ended{conn, streams.ErrTakenOver} }, nil,
			"another session has taken over the console of web", true},
		"server stops": {func(conn net.Conn) net.Conn { return ended{conn, streams.ErrStopping} }, nil,
			"the server is stopping", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.how = tc.how
			_, terminal := openPTY(t)
			before := modeOf(t, terminal)
			session := s.run(t, terminal)
			guest := s.nextGuest(t)
			session.until(session.errOut, "Ctrl-]")
			if tc.after != nil {
				tc.after(session, guest)
			}

			err := session.wait()

			assert.Equal(t, before, modeOf(t, terminal))
			told := session.errOut.String()
			if tc.fails {
				require.Error(t, err)
				told += err.Error()
			} else {
				require.NoError(t, err)
			}
			assert.Contains(t, told, tc.want)
			assert.Contains(t, told, "kubectl virt console web -n shop")
		})
	}
}

func TestEscapeWorksWhileTheGuestTakesNothing(t *testing.T) {
	s := newServer(t)
	user, terminal := openPTY(t)
	session := s.run(t, terminal)
	s.nextGuest(t)
	session.until(session.errOut, "Ctrl-]")
	go func() {
		line := []byte(strings.Repeat("x", 1023))
		for range 16 << 10 {
			if _, err := user.Write(line); err != nil {
				return
			}
		}
	}()
	session.until(session.errOut, bell)

	_, err := user.WriteString("\x1d")

	require.NoError(t, err)
	require.NoError(t, session.wait())
}

func TestPipesCarryBytesUnharmed(t *testing.T) {
	s := newServer(t)
	input, script := io.Pipe()
	session := s.run(t, input)
	guest := s.nextGuest(t)
	sent := strings.Repeat("a\x1d\x03\x00\xff", 10_000)
	go func() {
		_, _ = io.WriteString(script, sent)
	}()
	expect(t, guest, sent)
	_, err := guest.Write([]byte("\x00\xffoutput"))
	require.NoError(t, err)
	session.until(session.out, "output")
	require.NoError(t, script.Close())

	require.NoError(t, session.wait())
	assert.Equal(t, "\x00\xffoutput", session.out.String(), "nothing but the guest's")
}

func TestConsoleWaitsForTheGuest(t *testing.T) {
	tests := map[string]struct {
		refusals []refusal
		vm       *kubevirtv1.VirtualMachine
		told     string
	}{
		"phase is not Running": {[]refusal{{400, "BadRequest", "phase is Scheduled instead of Running"}}, nil, "Waiting: phase is Scheduled"},
		"no instance yet": {[]refusal{{404, "NotFound", "not found"}, {400, "BadRequest", "soon"}},
			machine(kubevirtv1.RunStrategyAlways, kubevirtv1.VirtualMachineStatusProvisioning), `Waiting: virtual machine "web" is Provisioning`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.refusals, s.vm = tc.refusals, tc.vm
			input, _ := io.Pipe()
			session := s.run(t, input)
			_, err := s.nextGuest(t).Write([]byte("login: "))
			require.NoError(t, err)
			session.until(session.out, "login: ")
			assert.Contains(t, session.errOut.String(), tc.told)
			session.cancel()
			require.NoError(t, session.wait())
		})
	}
}

func machine(strategy kubevirtv1.VirtualMachineRunStrategy, status kubevirtv1.VirtualMachinePrintableStatus) *kubevirtv1.VirtualMachine {
	return &kubevirtv1.VirtualMachine{
		Spec:   kubevirtv1.VirtualMachineSpec{RunStrategy: &strategy},
		Status: kubevirtv1.VirtualMachineStatus{PrintableStatus: status},
	}
}

func TestConsoleThatCannotOpenSaysWhatToDo(t *testing.T) {
	missing := []refusal{{404, "NotFound", "not found"}}
	tests := map[string]struct {
		refusals []refusal
		vm       *kubevirtv1.VirtualMachine
		args     []string
		want     []string
	}{
		"no machine": {missing, nil, nil, []string{`there is no virtual machine "web" in namespace "shop"`, "kubectl get vms"}},
		"halted": {missing, machine(kubevirtv1.RunStrategyHalted, kubevirtv1.VirtualMachineStatusStopped), nil,
			[]string{`virtual machine "web" is stopped`, "kubectl virt start web -n shop"}},
		"ended by itself": {missing, machine(kubevirtv1.RunStrategyManual, kubevirtv1.VirtualMachineStatusStopped), nil,
			[]string{`virtual machine "web" is stopped`}},
		"failed": {[]refusal{{409, "Conflict", "VMI is in failed status"}}, nil, nil,
			[]string{"VMI is in failed status", "kubectl describe vmi web -n shop"}},
		"forbidden": {[]refusal{{403, "Forbidden", "you may not"}}, nil, nil,
			[]string{"you may not", "kubectl auth can-i get virtualmachineinstances.subresources.kubevirt.io/web --subresource=console -n shop"}},
		"not in time": {[]refusal{{400, "BadRequest", "phase is Scheduled"}, {400, "BadRequest", "phase is Scheduled"}}, nil, []string{"--timeout", "100ms"},
			[]string{"no console within 100ms: phase is Scheduled", "kubectl describe vmi web -n shop"}},
		"senseless timeout": {nil, nil, []string{"--timeout", "0"}, []string{"--timeout must be more than 0"}},
		"no timeout at all": {nil, nil, []string{"--timeout", "soon"}, []string{"minutes"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.refusals, s.vm = tc.refusals, tc.vm
			input, _ := io.Pipe()

			err := s.run(t, input, tc.args...).wait()

			for _, want := range tc.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestTimeoutIsMinutesOrADuration(t *testing.T) {
	for value, want := range map[string]time.Duration{"5": 5 * time.Minute, "90s": 90 * time.Second} {
		var got time.Duration
		require.NoError(t, (*minutes)(&got).Set(value))
		assert.Equal(t, want, got)
	}
}
