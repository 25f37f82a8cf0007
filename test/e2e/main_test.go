// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"k8s.io/klog/v2"
)

// suite is what all tests of this package share.
var suite struct {
	// root holds all files of this run.
	root string
	programs
	images *imageServer
	// server is for tests that do it no harm.
	server *server
}

func TestMain(m *testing.M) {
	if reap, dir := isReaper(); reap {
		os.Exit(runReaper(dir))
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "test/e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if os.Geteuid() != 0 {
		return 1, errors.New("guests are run by root; run: sudo -E go test ./test/e2e/...")
	}
	// The agent and QEMU are users of their own and pass through it, as they could not through a private one.
	if suite.root, err = os.MkdirTemp("/var/tmp", "virt-e2e-"); err != nil {
		return 1, err
	}
	if err := os.Chmod(suite.root, 0o711); err != nil {
		return 1, err
	}
	reaped, err := startReaper(suite.root)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, reaped()) }()
	if err := prepare(); err != nil {
		return 1, err
	}
	klog.SetLogger(klog.Background().V(9)) // clients' warnings are the tests' business
	// Guests mostly wait: more tests at a time than there are processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		return 1, err
	}
	code = m.Run()
	if code != 0 {
		suite.server.printLogs(os.Stderr)
	}
	return code, suite.server.stop()
}

// prepare makes what the tests share. The machine's libvirt is started before our mark is set: it is to
// outlive us.
func prepare() error {
	if output, err := exec.Command("../../hack/libvirt.sh").CombinedOutput(); err != nil {
		return fmt.Errorf("start libvirt: %w\n%s", err, output)
	}
	if err := os.Setenv(mark, suite.root); err != nil {
		return err
	}
	var err error
	if suite.programs, err = buildPrograms(filepath.Join(suite.root, "bin")); err != nil {
		return err
	}
	if suite.images, err = serveImages(); err != nil {
		return err
	}
	if suite.server, err = newServer("shared"); err != nil {
		return err
	}
	return suite.server.start()
}
