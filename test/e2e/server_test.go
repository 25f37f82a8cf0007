// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

const (
	// soon is how long anything may take that needs no guest.
	soon = 30 * time.Second
	// patience is how long guests may take, and an import, on a machine that has much else to do.
	patience = 2 * time.Minute
	// tick is how often a condition is looked at.
	tick = 100 * time.Millisecond
)

// server is a standalone server, or was one: it can be ended and started again.
type server struct {
	// dir holds the server's data directory and its log.
	dir  string
	port int
	// libvirt is its own, or nil for the machine's.
	libvirt *launchertest.Libvirtd
	// within wraps the command of a server to which the machine is to look different; it may be nil.
	within func(command ...string) *exec.Cmd

	process *exec.Cmd
	// ended tells how the process ended.
	ended chan error

	// API and virt are there once it was ready.
	*apitest.API
	virt versioned.Interface
}

// newServer gives a server of that name, which was never started.
func newServer(name string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{dir: filepath.Join(suite.root, name), port: port}
	if err := os.Mkdir(s.dir, 0o711); err != nil {
		return nil, err
	}
	return s, nil
}

// ownServer gives a test a server of its own, which was never started.
func ownServer(t *testing.T) *server {
	t.Helper()
	s, err := newServer(strings.ReplaceAll(t.Name(), "/", "-"))
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			var logs strings.Builder
			s.printLogs(&logs)
			t.Log(logs.String())
		}
		s.kill()
		s.killLauncher()
	})
	return s
}

// startServer starts a server of the test's own.
func startServer(t *testing.T) *server {
	t.Helper()
	s := ownServer(t)
	require.NoError(t, s.start())
	return s
}

// startServerOnOwnLibvirt starts a server and a libvirt for it, which may be killed.
func startServerOnOwnLibvirt(t *testing.T) *server {
	t.Helper()
	s := ownServer(t)
	s.libvirt = launchertest.StartLibvirtd(t)
	s.within = func(command ...string) *exec.Cmd { return onLibvirt(s.libvirt, command) }
	require.NoError(t, s.start())
	return s
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func (s *server) dataDir() string { return filepath.Join(s.dir, "data") }

func (s *server) kubeconfig() string { return filepath.Join(s.dataDir(), "kubeconfig") }

// command is the server's, with more flags, if any.
func (s *server) command(flags ...string) *exec.Cmd {
	command := append([]string{
		suite.path("virt-apiserver"), "standalone", "--data-dir", s.dataDir(), "--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(s.port),
	}, flags...)
	if s.within != nil {
		return s.within(command...)
	}
	return exec.Command(command[0], command[1:]...)
}

// start starts the server, again too, and waits until it is ready.
func (s *server) start(flags ...string) error {
	if err := s.shareProbe(); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	process := s.command(flags...)
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	s.process, s.ended = process, make(chan error, 1)
	go func() { s.ended <- process.Wait() }()
	return s.awaitReady()
}

func (s *server) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, tick, true, func(ctx context.Context) (bool, error) {
		select {
		case err := <-s.ended:
			return false, fmt.Errorf("it ended: %w", err)
		default:
		}
		if s.connect() != nil {
			return false, nil // no kubeconfig yet
		}
		body, err := s.Core.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil && string(body) == "ok", nil
	})
	if err != nil {
		return fmt.Errorf("wait for the server in %s: %w", s.dir, err)
	}
	return nil
}

func (s *server) connect() (err error) {
	if s.API, err = apitest.New(suite.kubectl, s.kubeconfig(), filepath.Join(s.dir, "kubectl-cache")); err != nil {
		return err
	}
	s.virt, err = versioned.NewForConfig(s.Config)
	return err
}

// stop ends the server as an init system does. Its launcher and guests go on.
func (s *server) stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.ended:
		return err
	case <-time.After(soon):
		return errors.New("the server does not end")
	}
}

// kill ends the server by SIGKILL.
func (s *server) kill() {
	if s.process != nil && s.process.Process.Kill() == nil {
		<-s.ended
	}
}

// launcherPID is that of the launcher, or 0.
func (s *server) launcherPID() int {
	for _, p := range processes() {
		if strings.HasPrefix(p.command, suite.path("virt-launcher")+"\x00") && strings.Contains(p.command, "="+s.dataDir()+"/") {
			return p.pid
		}
	}
	return 0
}

// killLauncher ends the launcher by SIGKILL.
func (s *server) killLauncher() {
	if pid := s.launcherPID(); pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// shareProbe hands a server the result of the first one's probe for KVM, which can take seconds.
func (s *server) shareProbe() error {
	if suite.server == nil || s == suite.server {
		return nil
	}
	result, err := os.ReadFile(filepath.Join(suite.server.dataDir(), "launcher", "kvm-probe.json"))
	if err != nil {
		return nil // not yet
	}
	if err := os.MkdirAll(filepath.Join(s.dataDir(), "launcher"), 0o711); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dataDir(), "launcher", "kvm-probe.json"), result, 0o600)
}

// printLogs prints the ends of the logs.
func (s *server) printLogs(to io.Writer) {
	for _, log := range []string{filepath.Join(s.dir, "server.log"), filepath.Join(s.dataDir(), "launcher.log")} {
		content, _ := os.ReadFile(log)
		fmt.Fprintf(to, "\n--- the end of %s:\n%s", log, content[max(0, len(content)-8<<10):])
	}
}
