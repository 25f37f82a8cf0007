// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"k8s.io/klog/v2"
)

// Suite is what all tests of a package share.
type Suite struct {
	// Root holds all files of this run.
	Root string
	// Folder is one that the server's administrator allows, for images and disks of the host.
	Folder string
	Programs
	Images *Images
	// Server is for tests that do it no harm.
	Server *Server
}

// Main runs a package's tests, which ready hands what they share to, and ends the process.
func Main(m *testing.M, ready func(*Suite) error) {
	if reap, dir := isReaper(); reap {
		os.Exit(runReaper(dir))
	}
	code, err := run(m, ready)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tests on guests:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, ready func(*Suite) error) (code int, err error) {
	if os.Geteuid() != 0 {
		return 1, errors.New("guests are run by root; put before the command: sudo -E")
	}
	s := &Suite{}
	// The agent and QEMU are users of their own and pass through it, as they could not through a private one.
	if s.Root, err = os.MkdirTemp("/var/tmp", "virt-test-"); err != nil {
		return 1, err
	}
	if err := os.Chmod(s.Root, 0o711); err != nil {
		return 1, err
	}
	reaped, err := startReaper(s.Root)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, reaped()) }()
	if err := s.prepare(); err != nil {
		if s.Server != nil {
			s.Server.PrintLogs(os.Stderr)
		}
		return 1, err
	}
	klog.SetLogger(klog.Background().V(9)) // clients' warnings are the tests' business
	if err := ready(s); err != nil {
		return 1, err
	}
	code = m.Run()
	if code != 0 {
		s.Server.PrintLogs(os.Stderr)
	}
	return code, s.Server.Stop()
}

// prepare makes what the tests share. The machine's libvirt is started before our mark is set: it is to
// outlive us.
func (s *Suite) prepare() error {
	if output, err := exec.Command(repository + "/hack/libvirt.sh").CombinedOutput(); err != nil {
		return fmt.Errorf("start libvirt: %w\n%s", err, output)
	}
	if err := os.Setenv(mark, s.Root); err != nil {
		return err
	}
	var err error
	if s.Programs, err = buildPrograms(filepath.Join(s.Root, "bin")); err != nil {
		return err
	}
	if s.Images, err = serveImages(s.Root); err != nil {
		return err
	}
	s.Folder = filepath.Join(s.Root, "folder")
	if err := os.Mkdir(s.Folder, 0o755); err != nil {
		return err
	}
	if s.Server, err = s.NewServer("shared"); err != nil {
		return err
	}
	return s.Server.Start("--container-disk-folder", s.Folder, "--host-disk-folder", s.Folder)
}
