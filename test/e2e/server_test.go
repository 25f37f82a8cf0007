// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

const (
	soon     = harness.Soon
	patience = harness.Patience
	tick     = harness.Tick

	linuxImage = harness.LinuxImage
	tinyImage  = harness.TinyImage
)

// server is a standalone server.
type server struct {
	*harness.Server
	// libvirt is its own, or nil for the machine's.
	libvirt *launchertest.Libvirtd
}

// ownServer gives a test a server of its own, which was never started.
func ownServer(t *testing.T) *server {
	t.Helper()
	s, err := suite.NewServer(strings.ReplaceAll(t.Name(), "/", "-"))
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			var logs strings.Builder
			s.PrintLogs(&logs)
			t.Log(logs.String())
		}
		s.Kill()
		s.KillLauncher()
	})
	return &server{Server: s}
}

// startServer starts a server of the test's own, with more flags, if any.
func startServer(t *testing.T, flags ...string) *server {
	t.Helper()
	s := ownServer(t)
	require.NoError(t, s.Start(flags...))
	return s
}

// startServerOnOwnLibvirt starts a server and a libvirt for it, which may be killed.
func startServerOnOwnLibvirt(t *testing.T) *server {
	t.Helper()
	s := ownServer(t)
	s.libvirt = launchertest.StartLibvirtd(t)
	s.Within = func(command ...string) *exec.Cmd { return onLibvirt(s.libvirt, command) }
	require.NoError(t, s.Start())
	return s
}
