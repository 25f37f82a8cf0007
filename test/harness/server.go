// SPDX-License-Identifier: Apache-2.0

package harness

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
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

const (
	// Soon is how long anything may take that needs no guest.
	Soon = 2 * time.Minute
	// Patience is how long guests may take, and an import, on a machine that has much else to do.
	Patience = 6 * time.Minute
	// Tick is how often a condition is looked at.
	Tick = 100 * time.Millisecond
)

// Server is a standalone server, or was one: it can be ended and started again.
type Server struct {
	suite *Suite
	// Dir holds the server's data directory and its log.
	Dir  string
	Port int
	// Within wraps the command of a server to which the machine is to look different; it may be nil.
	Within func(command ...string) *exec.Cmd

	process *exec.Cmd
	// ended tells how the process ended.
	ended chan error

	// API and Virt are there once it was ready.
	*apitest.API
	Virt versioned.Interface
}

// NewServer gives a server of that name, which was never started.
func (s *Suite) NewServer(name string) (*Server, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	server := &Server{suite: s, Dir: filepath.Join(s.Root, name), Port: port}
	if err := os.Mkdir(server.Dir, 0o711); err != nil {
		return nil, err
	}
	return server, nil
}

// FreePort is one of loopback that nobody listened at.
func FreePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// DataDir is where the server keeps everything.
func (s *Server) DataDir() string { return filepath.Join(s.Dir, "data") }

// Kubeconfig is the path of the administrator's.
func (s *Server) Kubeconfig() string { return filepath.Join(s.DataDir(), "kubeconfig") }

// ServerCommand is the server's own, with more flags, if any.
func (s *Server) ServerCommand(flags ...string) *exec.Cmd {
	command := append([]string{
		s.suite.Path("virt-apiserver"), "standalone", "--data-dir", s.DataDir(), "--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(s.Port),
		"--import-allow-cidr", "127.0.0.0/8", // where Images serves
	}, flags...)
	if s.Within != nil {
		return s.Within(command...)
	}
	return exec.Command(command[0], command[1:]...)
}

// Start starts the server, again too, and waits until it is ready.
func (s *Server) Start(flags ...string) error {
	if err := s.shareProbe(); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.Dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	process := s.ServerCommand(flags...)
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	s.process, s.ended = process, make(chan error, 1)
	go func() { s.ended <- process.Wait() }()
	return s.awaitReady()
}

func (s *Server) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, Tick, true, func(ctx context.Context) (bool, error) {
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
		return fmt.Errorf("wait for the server in %s: %w", s.Dir, err)
	}
	return nil
}

func (s *Server) connect() (err error) {
	if s.API, err = apitest.New(s.suite.Kubectl, s.Kubeconfig(), filepath.Join(s.Dir, "kubectl-cache")); err != nil {
		return err
	}
	s.Virt, err = versioned.NewForConfig(s.Config)
	return err
}

// PID is that of the server, which was started.
func (s *Server) PID() int { return s.process.Process.Pid }

// Stop ends the server as an init system does. Its guests go on, with the launcher.
func (s *Server) Stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.ended:
		return err
	case <-time.After(Soon):
		return errors.New("the server does not end")
	}
}

// Kill ends the server by SIGKILL.
func (s *Server) Kill() {
	if s.process != nil && s.process.Process.Kill() == nil {
		<-s.ended
	}
}

// LauncherPID is that of the launcher, or 0.
func (s *Server) LauncherPID() int {
	for _, p := range Processes() {
		if strings.HasPrefix(p.Command, s.suite.Path("virt-launcher")+"\x00") && strings.Contains(p.Command, "="+s.DataDir()+"/") {
			return p.PID
		}
	}
	return 0
}

// KillLauncher ends the launcher by SIGKILL.
func (s *Server) KillLauncher() {
	if pid := s.LauncherPID(); pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// shareProbe hands a server the result of the first one's probe for KVM, which can take seconds.
func (s *Server) shareProbe() error {
	if s.suite.Server == nil || s == s.suite.Server {
		return nil
	}
	result, err := os.ReadFile(filepath.Join(s.suite.Server.DataDir(), "launcher", "kvm-probe.json"))
	if err != nil {
		return nil // not yet
	}
	if err := os.MkdirAll(filepath.Join(s.DataDir(), "launcher"), 0o711); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.DataDir(), "launcher", "kvm-probe.json"), result, 0o600)
}

// PrintLogs prints the ends of the logs.
func (s *Server) PrintLogs(to io.Writer) {
	for _, log := range []string{filepath.Join(s.Dir, "server.log"), filepath.Join(s.DataDir(), "launcher.log")} {
		content, _ := os.ReadFile(log)
		fmt.Fprintf(to, "\n--- the end of %s:\n%s", log, content[max(0, len(content)-8<<10):])
	}
}
