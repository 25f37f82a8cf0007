// SPDX-License-Identifier: Apache-2.0

package importer

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

const defaultStopTimeout = 10 * time.Second

// programName is what the importer is called where processes are listed.
const programName = "virt-importer"

// Process says how the importer is started.
type Process struct {
	// Path is that of virt-importer.
	Path string
	// Args are its arguments, normally none.
	Args []string
	// Env are additions to what the importer inherits, which is the settings
	// for proxies and certificates and nothing else.
	Env []string
	// Credential, if set, is whom the importer runs as.
	Credential *syscall.Credential
	// Image is what the spec takes from this machine: the directory or the file of a container image, or the
	// disk that is copied.
	Image *os.File
	// StopTimeout is how long the importer may take to empty the volume and
	// exit after it was told to stop; 0 means ten seconds.
	StopTimeout time.Duration
	// Log takes the importer's own log lines; nil drops them.
	Log io.Writer
}

// Run fills the volume in target, a file open for reading and writing, as spec
// says. It returns when the process is gone. When ctx ends the process is told
// to stop and then killed. Progress may be nil. The error is a *image.Error;
// after one with the reason ImporterCrashed the volume may hold anything.
func (p Process) Run(ctx context.Context, spec Spec, target *os.File, progress func(image.Progress)) (image.Result, error) {
	line, err := json.Marshal(spec)
	if err == nil {
		err = spec.Validate()
	}
	if err != nil {
		return image.Result{}, failure.Permanent(failure.InvalidRequest, "%w", err)
	}
	r := run{progress: progress}
	if err := r.start(ctx, p, target); err != nil {
		return image.Result{}, failure.Transient(failure.ImporterCrashed, "start %s: %w", p.Path, err)
	}
	// Should this fail, then the process has ended, which wait explains.
	_, _ = r.stdin.Write(append(line, '\n'))
	return r.wait(ctx, r.follow())
}

// run is one process.
type run struct {
	cmd      *exec.Cmd
	stdin    io.WriteCloser
	stdout   io.ReadCloser
	stderr   tail
	progress func(image.Progress)
	last     Message
}

func (r *run) start(ctx context.Context, p Process, target *os.File) error {
	cmd := exec.CommandContext(ctx, p.Path, p.Args...)
	// The path may be that of a descriptor, which would tell an administrator nothing.
	cmd.Args[0] = programName
	cmd.Env = append(inherited(os.Environ()), p.Env...)
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{target}
	if p.Image != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, p.Image)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.Credential}
	r.stderr.forward = p.Log
	cmd.Stderr = &r.stderr
	cmd.Cancel = func() error { return r.stdin.Close() }
	cmd.WaitDelay = cmp.Or(p.StopTimeout, defaultStopTimeout)
	var err error
	if r.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if r.stdout, err = cmd.StdoutPipe(); err != nil {
		return err
	}
	r.cmd = cmd
	return cmd.Start()
}

// follow reads messages until the process closes its stdout or says something
// that it should not, in which case it is killed.
func (r *run) follow() error {
	in := bufio.NewReader(r.stdout)
	for {
		m, err := readMessage(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.Join(err, r.cmd.Process.Kill())
		}
		if m.Progress == nil {
			r.last = m
			continue
		}
		if r.progress != nil {
			r.progress(*m.Progress)
		}
	}
}

// wait reaps the process and turns what it said last into the outcome.
func (r *run) wait(ctx context.Context, follow error) (image.Result, error) {
	exit := r.cmd.Wait()
	switch {
	case follow == nil && r.last.Result != nil && r.cmd.ProcessState.Success():
		return *r.last.Result, nil
	case ctx.Err() != nil:
		return image.Result{}, failure.From(context.Cause(ctx))
	case follow != nil:
		return image.Result{}, failure.Transient(failure.ImporterCrashed, "the importer does not keep to the protocol: %w", follow)
	case r.last.Error != nil:
		return image.Result{}, r.last.Error
	}
	return image.Result{}, failure.Transient(failure.ImporterCrashed,
		"the importer ended without an outcome (%s): %s", describe(exit), r.stderr.String())
}

func describe(exit error) string {
	if exit == nil {
		return "exit status 0"
	}
	return exit.Error()
}

// inherited picks from environ what decides how servers are reached.
func inherited(environ []string) []string {
	keep := []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"}
	var env []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		for _, k := range keep {
			if strings.EqualFold(name, k) {
				env = append(env, pair)
			}
		}
	}
	return env
}

// tail forwards what is written and keeps its end.
type tail struct {
	forward io.Writer
	end     []byte
}

const tailBytes = 512

func (t *tail) Write(p []byte) (int, error) {
	t.end = append(t.end, p[max(0, len(p)-tailBytes):]...)
	t.end = t.end[max(0, len(t.end)-tailBytes):]
	if t.forward == nil {
		return len(p), nil
	}
	if _, err := t.forward.Write(p); err != nil {
		return 0, fmt.Errorf("forward the importer's log: %w", err)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.end)) }
