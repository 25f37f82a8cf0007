// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// awaitMachine waits until what is asserted of a machine is true.
func (p *space) awaitMachine(name string, holds func(*assert.CollectT, *kubevirtv1.VirtualMachine)) *kubevirtv1.VirtualMachine {
	p.t.Helper()
	var machine *kubevirtv1.VirtualMachine
	require.EventuallyWithT(p.t, func(c *assert.CollectT) {
		var err error
		machine, err = p.Virt.KubevirtV1().VirtualMachines(p.name).Get(p.t.Context(), name, metav1.GetOptions{})
		require.NoError(c, err)
		holds(c, machine)
	}, patience, tick, "virtual machine %s", name)
	return machine
}

// awaitStatus waits until a machine shows that status.
func (p *space) awaitStatus(name string, status kubevirtv1.VirtualMachinePrintableStatus) *kubevirtv1.VirtualMachine {
	p.t.Helper()
	return p.awaitMachine(name, func(c *assert.CollectT, machine *kubevirtv1.VirtualMachine) {
		assert.Equal(c, status, machine.Status.PrintableStatus)
	})
}

// awaitInstance waits until what is asserted of an instance is true.
func (p *space) awaitInstance(name string, holds func(*assert.CollectT, *kubevirtv1.VirtualMachineInstance)) *kubevirtv1.VirtualMachineInstance {
	p.t.Helper()
	var instance *kubevirtv1.VirtualMachineInstance
	require.EventuallyWithT(p.t, func(c *assert.CollectT) {
		var err error
		instance, err = p.Virt.KubevirtV1().VirtualMachineInstances(p.name).Get(p.t.Context(), name, metav1.GetOptions{})
		require.NoError(c, err)
		holds(c, instance)
	}, patience, tick, "instance %s", name)
	return instance
}

func (p *space) awaitPhase(name string, phase kubevirtv1.VirtualMachineInstancePhase) *kubevirtv1.VirtualMachineInstance {
	p.t.Helper()
	return p.awaitInstance(name, func(c *assert.CollectT, instance *kubevirtv1.VirtualMachineInstance) {
		assert.Equal(c, phase, instance.Status.Phase)
	})
}

// awaitRunning waits until a machine runs, says so, and is of another instance than before, if that is not nil.
func (p *space) awaitRunning(name string, before *kubevirtv1.VirtualMachineInstance) *kubevirtv1.VirtualMachineInstance {
	p.t.Helper()
	instance := p.awaitInstance(name, func(c *assert.CollectT, instance *kubevirtv1.VirtualMachineInstance) {
		assert.Equal(c, kubevirtv1.Running, instance.Status.Phase)
		assert.True(c, instance.Status.HasCondition(kubevirtv1.VirtualMachineInstanceReady, corev1.ConditionTrue))
		if before != nil {
			assert.NotEqual(c, before.UID, instance.UID)
		}
	})
	p.awaitMachine(name, func(c *assert.CollectT, machine *kubevirtv1.VirtualMachine) {
		assert.Equal(c, kubevirtv1.VirtualMachineStatusRunning, machine.Status.PrintableStatus)
		assert.True(c, machine.Status.Ready)
	})
	return instance
}

// awaitConsole waits until an instance's guest has written text to its console.
func (p *space) awaitConsole(instance *kubevirtv1.VirtualMachineInstance, text string) {
	p.t.Helper()
	require.EventuallyWithT(p.t, func(c *assert.CollectT) {
		assert.Contains(c, p.consoleLog(instance), text)
	}, patience, tick, "console of %s", instance.Name)
}

// awaitDataVolume waits until what is asserted of a DataVolume is true.
func (p *space) awaitDataVolume(name string, holds func(*assert.CollectT, *cdiv1.DataVolume)) *cdiv1.DataVolume {
	p.t.Helper()
	var volume *cdiv1.DataVolume
	require.EventuallyWithT(p.t, func(c *assert.CollectT) {
		var err error
		volume, err = p.Virt.CdiV1beta1().DataVolumes(p.name).Get(p.t.Context(), name, metav1.GetOptions{})
		require.NoError(c, err)
		holds(c, volume)
	}, patience, tick, "DataVolume %s", name)
	return volume
}

// awaitGone waits until there is no such object: "vm/web".
func (p *space) awaitGone(objects ...string) {
	p.t.Helper()
	p.kubectl(append([]string{"wait", "--for=delete", "--timeout=300s"}, objects...)...)
}

// awaitNoInstance waits until a machine has no instance.
func (p *space) awaitNoInstance(name string) {
	p.t.Helper()
	require.EventuallyWithT(p.t, func(c *assert.CollectT) {
		_, err := p.Virt.KubevirtV1().VirtualMachineInstances(p.name).Get(p.t.Context(), name, metav1.GetOptions{})
		assert.True(c, apierrors.IsNotFound(err), "%v", err)
	}, patience, tick)
}
