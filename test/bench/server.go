// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/virt-apiserver/virt-apiserver/pkg/generated/clientset/versioned"
)

// server is one of our own, with nothing in it at first.
type server struct {
	dir      string
	runtime  string // the directory of the launcher's sockets
	command  *exec.Cmd
	ended    chan struct{}
	launcher process
	client   *versioned.Clientset
}

// startServer returns a server that is ready and whose launcher runs. The caller closes it.
func startServer(ctx context.Context, o options) (_ *server, err error) {
	dir, err := os.MkdirTemp(o.dir, "virt-apiserver-bench.")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := os.Chmod(dir, 0o711); err != nil { // QEMU runs as a user of its own
		return nil, err
	}
	if err := s.launch(o); err != nil {
		return nil, err
	}
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, s.ready)
	if err != nil {
		return nil, fmt.Errorf("wait for the server: %w; its log: %s", err, s.lastLog())
	}
	return s, nil
}

func (s *server) launch(o options) error {
	log, err := os.Create(s.path("server.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.command = exec.Command(filepath.Join(o.bin, "virt-apiserver"), "standalone",
		"--data-dir", s.path("data"), "--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(o.port),
		"--import-allow-cidr", "127.0.0.0/8")
	s.command.Stdout, s.command.Stderr = log, log
	// An interrupt at the terminal must not reach it: the machines are deleted first.
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := os.Mkdir(s.path("data"), 0o711); err != nil {
		return err
	}
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("start the server: %w; build it with: make build", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.command.Wait()
	}()
	return nil
}

// ready is true once the server and its launcher are there.
func (s *server) ready(ctx context.Context) (bool, error) {
	select {
	case <-s.ended:
		return false, errors.New("the server ended")
	default:
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.path("data", "kubeconfig"))
	if err != nil {
		return false, nil // not written yet
	}
	config.QPS = -1
	if s.client, err = versioned.NewForConfig(config); err != nil {
		return false, err
	}
	if _, err := s.get(ctx, "/readyz"); err != nil {
		return false, nil
	}
	pid, arguments, err := processWith("--state-dir=" + s.path("data", "launcher"))
	if err != nil {
		return false, nil
	}
	s.launcher = pid
	for _, argument := range arguments {
		if guests, ok := strings.CutPrefix(argument, "--runtime-dir="); ok {
			s.runtime = filepath.Dir(guests)
		}
	}
	return true, nil
}

func (s *server) rest() rest.Interface { return s.client.KubevirtV1().RESTClient() }

// get returns what the server answers at a path with a query.
func (s *server) get(ctx context.Context, path string) ([]byte, error) {
	at, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	request := s.rest().Get().AbsPath(at.Path)
	for key, values := range at.Query() {
		request = request.Param(key, values[0])
	}
	return request.DoRaw(ctx)
}

func (s *server) process() process { return process(s.command.Process.Pid) }

func (s *server) path(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

func (s *server) lastLog() string {
	raw, _ := os.ReadFile(s.path("server.log"))
	return string(raw[max(0, len(raw)-2000):])
}

// close ends the server and its launcher, and removes what they kept. Machines must be gone by then.
func (s *server) close() {
	if s.command != nil && s.command.Process != nil {
		s.process().end(20 * time.Second)
		<-s.ended
	}
	// Also where the server did not come to be ready.
	if pid, _, err := processWith("--state-dir=" + s.path("data", "launcher")); err == nil {
		pid.end(10 * time.Second)
	}
	if s.runtime != "" {
		_ = os.RemoveAll(s.runtime)
	}
	_ = os.RemoveAll(s.dir)
}
