// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/test/harness"
)

// machineName is that of each group's machine, which has a namespace of its own.
const machineName = "web"

// machine is the one that a group's commands are run on.
type machine struct {
	namespace string
	// dir holds the group's files.
	dir string
}

// newMachine makes the namespace, which is deleted when the test is over.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{namespace: suite.Server.Namespace(t), dir: t.TempDir()}
	t.Cleanup(func() {
		if t.Failed() {
			output, message, _ := suite.Server.TryKubectl(t, "", "-n", m.namespace, "describe", "vms,vmis,dvs")
			t.Log(output, message)
		}
	})
	return m
}

// apply applies a manifest in the group's namespace.
func (m *machine) apply(t require.TestingT, manifest string) {
	command := suite.Server.Command(context.Background(), suite.Kubectl, "-n", m.namespace, "apply", "-f", "-")
	command.Stdin = strings.NewReader(manifest)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s\n%s", output, manifest)
}

// awaitInstance waits until what is asserted of the machine's instance is true.
func (m *machine) awaitInstance(t require.TestingT, holds func(*assert.CollectT, *kubevirtv1.VirtualMachineInstance)) *kubevirtv1.VirtualMachineInstance {
	var instance *kubevirtv1.VirtualMachineInstance
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var err error
		instance, err = suite.Server.Virt.KubevirtV1().VirtualMachineInstances(m.namespace).Get(context.Background(), machineName, metav1.GetOptions{})
		require.NoError(c, err)
		holds(c, instance)
	}, harness.Patience, harness.Tick)
	return instance
}

// awaitRunning waits until the machine runs, in another instance than before, if that is not nil.
func (m *machine) awaitRunning(t require.TestingT, before *kubevirtv1.VirtualMachineInstance) *kubevirtv1.VirtualMachineInstance {
	return m.awaitInstance(t, func(c *assert.CollectT, instance *kubevirtv1.VirtualMachineInstance) {
		assert.Equal(c, kubevirtv1.Running, instance.Status.Phase)
		if before != nil {
			assert.NotEqual(c, before.UID, instance.UID)
		}
	})
}

// awaitPaused waits until the machine is paused, or is not.
func (m *machine) awaitPaused(t require.TestingT, paused bool) {
	m.awaitInstance(t, func(c *assert.CollectT, instance *kubevirtv1.VirtualMachineInstance) {
		assert.Equal(c, kubevirtv1.Running, instance.Status.Phase)
		assert.Equal(c, paused, instance.Status.HasCondition(kubevirtv1.VirtualMachineInstancePaused, corev1.ConditionTrue))
	})
}

// awaitStatus waits until the machine shows a status.
func (m *machine) awaitStatus(t require.TestingT, status kubevirtv1.VirtualMachinePrintableStatus) {
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		vm, err := suite.Server.Virt.KubevirtV1().VirtualMachines(m.namespace).Get(context.Background(), machineName, metav1.GetOptions{})
		require.NoError(c, err)
		assert.Equal(c, status, vm.Status.PrintableStatus)
	}, harness.Patience, harness.Tick)
}

// awaitSaid waits until the guest has said something that many times, since it was started.
func (m *machine) awaitSaid(t require.TestingT, instance *kubevirtv1.VirtualMachineInstance, text string, times int) {
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		log, _ := os.ReadFile(filepath.Join(suite.Server.DataDir(), "launcher", "domains", string(instance.UID), "console.log"))
		assert.GreaterOrEqual(c, strings.Count(string(log), text), times, "%q in what the guest said", text)
	}, harness.Patience, harness.Tick)
}
