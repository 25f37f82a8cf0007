// SPDX-License-Identifier: Apache-2.0

package vnc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/virt-apiserver/virt-apiserver/pkg/node/link"
	"github.com/virt-apiserver/virt-apiserver/pkg/node/streams"
)

const (
	soon     = 60 * time.Second
	greeting = "RFB 003.008\n"
	instance = "/apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/web/"
)

// server shows a screen that greets, takes an answer and ends as it is told to.
type server struct {
	*httptest.Server
	end    error
	answer chan string
}

func newServer(t *testing.T) *server {
	s := &server{end: io.EOF, answer: make(chan string, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+instance+"vnc", s.vnc)
	mux.HandleFunc("GET "+instance+"vnc/screenshot", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, signature+r.URL.RawQuery)
	})
	mux.HandleFunc("GET /apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/off/vnc/screenshot",
		func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "VMI is not running", http.StatusInternalServerError)
		})
	mux.HandleFunc("GET /apis/kubevirt.io/v1/namespaces/shop/virtualmachineinstances/off", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"VirtualMachineInstance","apiVersion":"kubevirt.io/v1"}`)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// screen is the guest's side of a session: it greets, hears one line and ends.
type screen struct {
	io.Reader
	server *server
	heard  chan struct{}
}

func (s *screen) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if n > 0 {
		return n, nil
	}
	<-s.heard
	if s.server.end != nil {
		err = s.server.end
	}
	return 0, err
}

func (s *screen) Write(p []byte) (int, error) {
	s.server.answer <- string(p)
	close(s.heard)
	return len(p), nil
}

func (s *screen) Close() error { return nil }

func (s *server) vnc(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("preserveSession") == "true" {
		link.Refuse(w, apierrors.NewServiceUnavailable("another session is open"))
		return
	}
	socket, err := streams.Accept(w, r)
	if err != nil {
		return
	}
	_ = streams.Bridge(r.Context(), socket, &screen{bytes.NewReader([]byte(greeting)), s, make(chan struct{})})
}

type session struct {
	out    *bufio.Reader
	errOut *bytes.Buffer
	done   chan error
	cancel context.CancelFunc
}

func (s *server) start(t *testing.T, args ...string) *session {
	t.Helper()
	flags := genericclioptions.NewConfigFlags(false)
	kubeconfig, namespace := os.DevNull, "shop"
	flags.APIServer, flags.Namespace, flags.KubeConfig = &s.URL, &namespace, &kubeconfig
	read, written := io.Pipe()
	run := &session{out: bufio.NewReader(read), errOut: &bytes.Buffer{}, done: make(chan error, 1)}
	command := NewCommand(flags, genericiooptions.IOStreams{Out: written, ErrOut: run.errOut})
	command.SetArgs(args)
	command.SilenceErrors, command.SilenceUsage = true, true
	ctx, cancel := context.WithCancel(t.Context())
	run.cancel = cancel
	go func() {
		err := command.ExecuteContext(ctx)
		_ = written.Close()
		run.done <- err
	}()
	t.Cleanup(cancel)
	return run
}

func (s *session) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-s.done:
		return err
	case <-time.After(soon):
		require.Fail(t, "the command does not end")
		return nil
	}
}

// view connects to the port that the command tells.
func (s *session) view(t *testing.T) net.Conn {
	t.Helper()
	line, err := s.out.ReadBytes('\n')
	require.NoError(t, err)
	var told struct {
		Port int `json:"port"`
	}
	require.NoError(t, json.Unmarshal(line, &told))
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", told.Port))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(soon)))
	heard := make([]byte, len(greeting))
	_, err = io.ReadFull(conn, heard)
	require.NoError(t, err)
	require.Equal(t, greeting, string(heard))
	return conn
}

func TestViewersOwnPortShowsTheScreen(t *testing.T) {
	tests := map[string]struct {
		end  error
		told string
		err  string
	}{
		"guest ends":      {io.EOF, "Back to it: kubectl virt vnc web", ""},
		"taken over":      {streams.ErrTakenOver, "", "another session has taken over the screen of web"},
		"server stopping": {streams.ErrStopping, "", "lost the screen of web: the server is stopping"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.end = tc.end
			run := s.start(t, "web", "--proxy-only")
			_, err := io.WriteString(run.view(t), greeting)
			require.NoError(t, err)
			assert.Equal(t, greeting, <-s.answer)
			err = run.wait(t)
			if tc.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.err)
			}
			assert.Contains(t, run.errOut.String(), tc.told)
		})
	}
}

func TestViewerEndsTheSession(t *testing.T) {
	s := newServer(t)
	run := s.start(t, "web", "--proxy-only")
	require.NoError(t, run.view(t).Close())
	require.NoError(t, run.wait(t))

	run = s.start(t, "web", "--proxy-only")
	_, err := run.out.ReadString('\n')
	require.NoError(t, err)
	run.cancel()
	require.NoError(t, run.wait(t), "interrupted before a viewer came")
}

// install makes a viewer that notes how it was called and ends with the given code.
func install(t *testing.T, program string, code int) (called string) {
	t.Helper()
	dir := t.TempDir()
	called = filepath.Join(dir, "called")
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >%s\nexit %d\n", called, code)
	require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755))
	t.Setenv("PATH", dir)
	return called
}

func TestInstalledViewerIsStarted(t *testing.T) {
	tests := map[string]struct {
		code    int
		address string
	}{
		"remote-viewer": {0, `^vnc://127\.0\.0\.1:\d+\n$`},
		"vncviewer":     {0, `^127\.0\.0\.1::\d+\n$`},
	}
	for program, tc := range tests {
		t.Run(program, func(t *testing.T) {
			called := install(t, program, tc.code)
			require.NoError(t, newServer(t).start(t, "web").wait(t))
			text, err := os.ReadFile(called)
			require.NoError(t, err)
			assert.Regexp(t, tc.address, string(text))
		})
	}
	install(t, "vncviewer", 3)
	assert.ErrorContains(t, newServer(t).start(t, "web").wait(t), "exit status 3")
}

func TestScreenThatCannotOpenSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	tests := map[string]struct {
		args []string
		want []string
	}{
		"no viewer": {[]string{"web"}, []string{"neither remote-viewer nor vncviewer", "virt-viewer", "kubectl virt vnc web --proxy-only -n shop",
			"kubectl virt vnc screenshot web -f screen.png -n shop"}},
		"another session":     {[]string{"web", "--proxy-only", "--preserve-session"}, []string{"another session is open", "End the other session: kubectl virt vnc web"}},
		"no address":          {[]string{"web", "--proxy-only", "--address", "x"}, []string{"must be an IP address"}},
		"address of a viewer": {[]string{"web", "--address", "0.0.0.0"}, []string{"--address is for --proxy-only"}},
		"no machine":          {[]string{"db", "--proxy-only"}, []string{`there is no virtual machine "db"`, "kubectl get vms"}},
		"no file":             {[]string{"screenshot", "web"}, []string{"--file says where"}},
		"picture of nothing":  {[]string{"screenshot", "off", "-f", "-"}, []string{"VMI is not running", "kubectl virt start off -n shop"}},
	}
	s := newServer(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := s.start(t, tc.args...).wait(t)
			for _, want := range tc.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestPictureIsWritten(t *testing.T) {
	s := newServer(t)
	path := filepath.Join(t.TempDir(), "screen.png")
	require.NoError(t, s.start(t, "screenshot", "web", "-f", path).wait(t))
	picture, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, signature, string(picture))

	run := s.start(t, "screenshot", "web", "-m", "-f", "-")
	printed, err := io.ReadAll(run.out)
	require.NoError(t, err)
	assert.Equal(t, signature+"moveCursor=true", string(printed))
	require.NoError(t, run.wait(t))
}
