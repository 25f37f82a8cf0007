// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

const script = "../../hack/cluster"

// shared is the control plane that all tests of this package use.
var shared *controlPlane

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "test cluster:", err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	parent, err := os.MkdirTemp("", "virt-cluster-")
	if err != nil {
		return 1, err
	}
	defer os.Remove(parent)
	dir := filepath.Join(parent, "c")
	takeDown, err := downWhenWeEnd(dir)
	if err != nil {
		return 1, err
	}
	defer func() {
		if downErr := takeDown(); err == nil && downErr != nil {
			code, err = 1, downErr
		}
	}()
	up := exec.Command(script, "up", "--control-plane", "--dir", dir)
	up.Stdout, up.Stderr = os.Stdout, os.Stderr
	if err := up.Run(); err != nil {
		return 1, fmt.Errorf("hack/cluster up: %w", err)
	}
	if shared, err = newControlPlane(dir); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, shared.close()
}

// downWhenWeEnd starts a process that takes the cluster down when this one has
// ended, however it ends: a test that runs out of time runs no deferred call.
// The function that is returned does it now.
func downWhenWeEnd(dir string) (func() error, error) {
	down := exec.Command("sh", "-c", `read -r _; exec "$0" down --dir "$1"`, script, dir)
	down.Stderr = os.Stderr
	// Not in our process group, lest an interrupt at the terminal end it too.
	down.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := down.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := down.Start(); err != nil {
		return nil, err
	}
	return func() error {
		if _, err := io.WriteString(alive, "\n"); err != nil {
			return fmt.Errorf("hack/cluster down: %w", err)
		}
		if err := down.Wait(); err != nil {
			return fmt.Errorf("hack/cluster down: %w", err)
		}
		return nil
	}, nil
}
