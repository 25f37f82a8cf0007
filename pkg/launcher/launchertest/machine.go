// SPDX-License-Identifier: Apache-2.0

package launchertest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Machine looks to commands like one that was just booted, without a service manager: nothing of libvirt
// runs, and nobody starts it. It needs root.
type Machine struct {
	home string
}

// NewMachine makes one. What commands start there, the daemons of libvirt and guests, ends with the test.
func NewMachine(t *testing.T) *Machine {
	t.Helper()
	m := &Machine{home: newHome(t)}
	t.Cleanup(func() {
		for _, pattern := range []string{"libvirtd.pid", "virtlogd.pid", "libvirt/qemu/*.pid"} {
			killByFiles(filepath.Join(m.home, "run", pattern))
		}
	})
	return m
}

// Command is one to be run on the machine, with the files of this one but for /run and libvirt's.
func (m *Machine) Command(command ...string) *exec.Cmd { return within(m.home, "/run", command...) }

// KillLibvirt ends the daemons of libvirt by SIGKILL.
func (m *Machine) KillLibvirt() {
	for _, pattern := range []string{"libvirtd.pid", "virtlogd.pid"} {
		killByFiles(filepath.Join(m.home, "run", pattern))
	}
}
