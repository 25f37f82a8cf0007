// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/test/apitest"
)

// space is a namespace that a test has to itself.
type space struct {
	*server
	t    *testing.T
	name string
}

// newSpace makes a namespace. When the test is over it is deleted, and nothing of it may be left.
func (s *server) newSpace(t *testing.T) *space {
	t.Helper()
	namespace, err := s.Core.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	p := &space{server: s, t: t, name: namespace.Name}
	t.Cleanup(p.remove)
	return p
}

func (p *space) remove() {
	if p.t.Failed() {
		p.printState()
	}
	output, message, err := apitest.Run(p.Command(context.Background(), suite.Kubectl, "delete", "namespace", p.name, "--timeout=300s"), "")
	if assert.NoError(p.t, err, "%s%s", output, message) {
		assert.Empty(p.t, guestPIDs(p.name, ""), "guests outlived their namespace")
	}
}

// printState tells what may explain a failure.
func (p *space) printState() {
	for _, args := range [][]string{
		{"get", "vms,vmis,dvs,pvc", "-n", p.name, "-o", "wide"},
		{"describe", "vms,vmis,dvs", "-n", p.name},
	} {
		output, message, _ := apitest.Run(p.Command(context.Background(), suite.Kubectl, args...), "")
		p.t.Logf("kubectl %s\n%s%s", strings.Join(args, " "), output, message)
	}
	instances, err := p.Virt.KubevirtV1().VirtualMachineInstances(p.name).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return
	}
	for _, instance := range instances.Items {
		log := p.consoleLog(&instance)
		p.t.Logf("console of %s:\n%s", instance.Name, log[max(0, len(log)-4<<10):])
	}
}

// kubectl runs a command in the namespace that must succeed and gives what it printed.
func (p *space) kubectl(args ...string) string {
	p.t.Helper()
	return p.Kubectl(p.t, append([]string{"-n", p.name}, args...)...)
}

// tryKubectl gives what a command in the namespace printed to standard output and standard error.
func (p *space) tryKubectl(stdin string, args ...string) (output, message string, err error) {
	p.t.Helper()
	return p.TryKubectl(p.t, stdin, append([]string{"-n", p.name}, args...)...)
}

// apply applies a manifest.
func (p *space) apply(manifest string) string {
	p.t.Helper()
	output, message, err := p.tryKubectl(manifest, "apply", "-f", "-")
	require.NoError(p.t, err, "%s%s", output, message)
	return output
}

// plugin runs kubectl-virt in the namespace, which must succeed, and gives what it printed.
func (p *space) plugin(args ...string) string {
	p.t.Helper()
	output, message, err := p.tryPlugin(args...)
	require.NoError(p.t, err, "kubectl virt %s\n%s%s", strings.Join(args, " "), output, message)
	return output
}

func (p *space) tryPlugin(args ...string) (output, message string, err error) {
	p.t.Helper()
	return apitest.Run(p.Command(p.t.Context(), suite.Path("kubectl-virt"), append([]string{"-n", p.name}, args...)...), "")
}

// create makes a machine.
func (p *space) create(machine *kubevirtv1.VirtualMachine) {
	p.t.Helper()
	_, err := p.Virt.KubevirtV1().VirtualMachines(p.name).Create(p.t.Context(), machine, metav1.CreateOptions{})
	require.NoError(p.t, err)
}

// machine reads a machine.
func (p *space) machine(name string) *kubevirtv1.VirtualMachine {
	p.t.Helper()
	machine, err := p.Virt.KubevirtV1().VirtualMachines(p.name).Get(p.t.Context(), name, metav1.GetOptions{})
	require.NoError(p.t, err)
	return machine
}

// instance reads an instance.
func (p *space) instance(name string) *kubevirtv1.VirtualMachineInstance {
	p.t.Helper()
	instance, err := p.Virt.KubevirtV1().VirtualMachineInstances(p.name).Get(p.t.Context(), name, metav1.GetOptions{})
	require.NoError(p.t, err)
	return instance
}

// dataVolume reads a DataVolume.
func (p *space) dataVolume(name string) *cdiv1.DataVolume {
	p.t.Helper()
	volume, err := p.Virt.CdiV1beta1().DataVolumes(p.name).Get(p.t.Context(), name, metav1.GetOptions{})
	require.NoError(p.t, err)
	return volume
}

// consoleLog is what a guest has ever written to its console.
func (p *space) consoleLog(instance *kubevirtv1.VirtualMachineInstance) string {
	content, _ := os.ReadFile(filepath.Join(p.DataDir(), "launcher", "domains", string(instance.UID), "console.log"))
	return string(content)
}

// awaitEvents waits for events about an object, such as "Normal Started": they are written when what they tell is.
func (p *space) awaitEvents(kind, name string, wanted ...string) {
	p.t.Helper()
	assert.EventuallyWithT(p.t, func(c *assert.CollectT) {
		assert.Subset(c, p.eventReasons(kind, name), wanted)
	}, soon, tick)
}

// eventReasons gives the reasons of the events about an object, with their types: "Normal Started".
func (p *space) eventReasons(kind, name string) []string {
	p.t.Helper()
	events, err := p.Core.CoreV1().Events(p.name).List(p.t.Context(), metav1.ListOptions{
		FieldSelector: fmt.Sprintf("involvedObject.kind=%s,involvedObject.name=%s", kind, name),
	})
	require.NoError(p.t, err)
	var reasons []string
	for _, event := range events.Items {
		reasons = append(reasons, event.Type+" "+event.Reason)
	}
	return reasons
}
