// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/launchertest"
)

// TestMissingHypervisorIsSaidWithTheRemedy has servers on machines that lack what guests need. The API serves
// all the same, and a machine says what is missing.
func TestMissingHypervisorIsSaidWithTheRemedy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		without []string
		says    []string
	}{
		"libvirt": {[]string{"/usr/sbin/libvirtd"}, []string{"libvirt", "install"}},
		"QEMU":    {[]string{"/usr/bin/qemu-system-x86_64"}, []string{"qemu-system-x86", "install"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ownServer(t)
			s.Within = without(launchertest.NewMachine(t), test.without)
			require.NoError(t, s.Start())
			p := s.newSpace(t)
			p.create(tinyMachine("web", kubevirtv1.RunStrategyAlways))
			p.awaitMachine("web", func(c *assert.CollectT, machine *kubevirtv1.VirtualMachine) {
				var messages []string
				for _, condition := range machine.Status.Conditions {
					if condition.Status == corev1.ConditionFalse {
						messages = append(messages, condition.Message)
					}
				}
				for _, text := range test.says {
					assert.Contains(c, strings.Join(messages, "\n"), text)
				}
			})
		})
	}
}

// without gives commands on a bare machine that lacks these programs.
func without(machine *launchertest.Machine, programs []string) func(...string) *exec.Cmd {
	var script strings.Builder
	for _, program := range programs {
		fmt.Fprintf(&script, "mount --bind /dev/null %s && ", program)
	}
	script.WriteString(`exec "$@"`)
	return func(command ...string) *exec.Cmd {
		return machine.Command(append([]string{"sh", "-c", script.String(), "sh"}, command...)...)
	}
}
