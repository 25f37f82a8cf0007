// SPDX-License-Identifier: Apache-2.0

package processes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/image"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/importer"
)

const (
	importerName = "virt-importer"
	// nobody is the user and the group that own nothing.
	nobody = 65534
)

// program is virt-importer as it was when it was opened. Replacing the file changes nothing for a running
// server, whose protocol it speaks.
type program struct {
	file       *os.File
	credential *syscall.Credential
	// allow are the special ranges of addresses that importers may reach.
	allow []netip.Prefix
}

// openProgram opens the program at path and tries it out: as nobody, where this process may choose. It never runs as
// root: what it reads was made by strangers.
func openProgram(ctx context.Context, path string, allow []netip.Prefix) (*program, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w: build it, put it beside the server, or say where it is", importerName, err)
	}
	p := &program{file: file, allow: allow}
	remedy := ""
	if os.Geteuid() == 0 {
		p.credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		remedy = fmt.Sprintf(" as user %d, which it has to run as: let everyone read and execute it: chmod 755 %s", nobody, path)
	}
	if !hasLandlock() {
		klog.FromContext(ctx).Info("The kernel has no Landlock, which would keep importers from files of other users that everyone may read")
	}
	if err := p.try(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("run %s: %w%s", path, err, remedy), p.close())
	}
	return p, nil
}

// hasLandlock says whether this kernel can keep a process from opening files.
func hasLandlock() bool {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return errno == 0 && version > 0
}

func (p *program) try(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, p.path(), "--help")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.credential}
	cmd.Env, cmd.Dir = []string{}, "/"
	return cmd.Run()
}

// path reaches the open file from this process and its children, also where nobody may not pass the
// directories above it.
func (p *program) path() string {
	return fmt.Sprintf("/proc/self/fd/%d", p.file.Fd())
}

func (p *program) close() error { return p.file.Close() }

// fill does what spec says with target, and returns when the process is gone. file is a container image that
// is on disk, or the disk that is copied, or nil.
func (p *program) fill(ctx context.Context, spec importer.Spec, target, file *os.File, progress func(image.Progress)) (image.Result, error) {
	process := importer.Process{
		Path:       p.path(),
		Credential: p.credential,
		Image:      file,
		Log:        logWriter{klog.FromContext(ctx)},
	}
	spec.AllowCIDRs = p.allow
	result, err := process.Run(ctx, spec, target, progress)
	if err != nil {
		return image.Result{}, err
	}
	klog.FromContext(ctx).V(2).Info("Filled a volume", "result", result)
	return result, nil
}

// logWriter makes log lines of what an importer writes to stderr.
type logWriter struct {
	logger klog.Logger
}

var _ io.Writer = logWriter{}

func (w logWriter) Write(p []byte) (int, error) {
	w.logger.V(2).Info(importerName, "stderr", strings.TrimSpace(string(p)))
	return len(p), nil
}
