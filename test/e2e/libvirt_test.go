// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// libvirtURI is of the machine's libvirt, and for a server with a libvirt of its own of that one.
const libvirtURI = "qemu:///system"

// onLibvirt is a command that takes l for the machine's libvirt.
func onLibvirt(l *launchertest.Libvirtd, command []string) *exec.Cmd {
	script := fmt.Sprintf(`mount --bind %s /run/libvirt && exec "$@"`, filepath.Dir(socketOf(l)))
	return exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "sh", "-c", script, "sh"}, command...)...)
}

func socketOf(l *launchertest.Libvirtd) string {
	_, query, _ := strings.Cut(l.URI(), "?")
	values, _ := url.ParseQuery(query)
	return values.Get("socket")
}

func (s *server) virshURI() string {
	if s.libvirt != nil {
		return s.libvirt.URI()
	}
	return libvirtURI
}

// domains lists those of a namespace, which are named after it.
func (s *server) domains(t *testing.T, namespace string) []string {
	t.Helper()
	output, err := exec.Command("virsh", "-q", "-c", s.virshURI(), "list", "--all", "--name").Output()
	require.NoError(t, err)
	var names []string
	for _, name := range strings.Fields(string(output)) {
		if strings.HasPrefix(name, namespace+"_") {
			names = append(names, name)
		}
	}
	return names
}

// guestPIDs are the processes that run a guest of that namespace and name.
func guestPIDs(namespace, name string) []int {
	var pids []int
	for _, p := range harness.Processes() {
		if strings.Contains(p.Command, "\x00-name\x00guest="+namespace+"_"+name+",") {
			pids = append(pids, p.PID)
		}
	}
	return pids
}
