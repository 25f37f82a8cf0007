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
	"k8s.io/utils/ptr"

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

// TestMissingGuestNetworkIsSaidWithTheRemedy has a server without the right to make a network: a guest that has an
// interface waits for it, and is not connected to another network instead.
func TestMissingGuestNetworkIsSaidWithTheRemedy(t *testing.T) {
	t.Parallel()
	s := ownServer(t)
	s.Within = func(command ...string) *exec.Cmd {
		return exec.Command("setpriv", append([]string{"--bounding-set", "-net_admin", "--inh-caps", "-net_admin"}, command...)...)
	}
	require.NoError(t, s.Start())
	p := s.newSpace(t)
	p.create(tinyMachine("web", kubevirtv1.RunStrategyAlways))
	lone := tinyMachine("lone", kubevirtv1.RunStrategyAlways)
	lone.Spec.Template.Spec.Domain.Devices.AutoattachPodInterface = ptr.To(false)
	p.create(lone)
	p.awaitStatus("lone", kubevirtv1.VirtualMachineStatusRunning)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		for _, condition := range p.instance("web").Status.Conditions {
			if condition.Type == kubevirtv1.VirtualMachineInstanceSynchronized && condition.Status == corev1.ConditionFalse {
				assert.Equal(c, "NetworkNotReady", condition.Reason)
				assert.Contains(c, condition.Message, "--guest-network=user")
				return
			}
		}
		assert.Fail(c, "nothing is said")
	}, patience, tick)
	assert.NotEqual(t, kubevirtv1.Running, p.instance("web").Status.Phase)
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
