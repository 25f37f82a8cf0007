// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// asked are the states of interfaces that the launcher was asked for, one after the other. What was asked for may be
// asked for again before it is seen.
func (w *world) asked() (asked []string) {
	w.launcher.with(func() {
		for _, request := range w.launcher.interfaces {
			asked = append(asked, request.Interface.Name+" "+string(ptr.Deref(request.Interface.State, "")))
		}
	})
	return slices.Compact(asked)
}

func setLab(state kubevirtv1.InterfaceState) func(*kubevirtv1.VirtualMachineInstance) {
	return func(vmi *kubevirtv1.VirtualMachineInstance) {
		vmi.Spec.Domain.Devices.Interfaces = []kubevirtv1.Interface{{Name: "lab", State: ptr.To(state)}}
	}
}

func TestInterfacesFollowTheSpecOfARunningGuest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.server.create(scheduled())
	w.untilPhase(kubevirtv1.Running)
	assert.Empty(t, w.asked(), "it has what it is to have")
	for i, want := range []string{"lab up", "lab down", "lab up", "lab absent"} {
		switch want {
		case "lab up":
			w.server.edit("vm", setLab(kubevirtv1.InterfaceStateLinkUp))
		case "lab down":
			w.server.edit("vm", setLab(kubevirtv1.InterfaceStateLinkDown))
		default:
			w.server.edit("vm", func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Spec.Domain.Devices.Interfaces = nil })
		}
		w.eventually(want, func() bool { return len(w.asked()) == i+1 })
		w.settle()
	}
	assert.Equal(t, []string{"lab up", "lab down", "lab up", "lab absent"}, w.asked())
}

// trimmed is a network that keeps the names of interfaces that guests have, as it is told.
type trimmed struct {
	noNetwork
	has chan []string
}

func (n trimmed) Trim(_ context.Context, _ *kubevirtv1.VirtualMachineInstance, has []string) error {
	n.has <- has
	return nil
}

func TestConnectionIsRemovedOnlyOnceTheGuestHasGivenTheInterfaceUp(t *testing.T) {
	network := trimmed{has: make(chan []string, 1)}
	launcher := newFakeLauncher()
	agent := New(Config{Launcher: launcher, Network: network})
	vmi := scheduled()
	setLab(kubevirtv1.InterfaceStateLinkUp)(vmi)
	vmi.Spec.Domain.Devices.Interfaces = append(vmi.Spec.Domain.Devices.Interfaces, kubevirtv1.Interface{Name: "gone", State: ptr.To(kubevirtv1.InterfaceStateAbsent)})
	domain := api.DomainStatus{
		State: api.StateRunning, Targets: map[string]string{},
		Interfaces: []kubevirtv1.VirtualMachineInstanceNetworkInterface{{Name: "lab", LinkState: "up"}, {Name: "gone", LinkState: "up"}},
	}
	launcher.with(func() { launcher.refuse = &api.Error{Reason: api.ErrorInternal, Message: "it holds on to it"} })
	_, again, err := agent.setInterfaces(t.Context(), vmi, domain)
	require.Error(t, err)
	assert.Equal(t, plugRetry, again)
	assert.Empty(t, network.has)

	domain.Interfaces = domain.Interfaces[:1]
	_, again, err = agent.setInterfaces(t.Context(), vmi, domain)
	require.NoError(t, err)
	assert.Zero(t, again)
	assert.Equal(t, []string{"lab"}, <-network.has)
}

func TestRefusalOfAnInterfaceIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.server.create(scheduled())
	w.untilPhase(kubevirtv1.Running)
	w.launcher.with(func() { w.launcher.refuse = &api.Error{Reason: api.ErrorInternal, Message: "no more PCI slots"} })
	w.server.edit("vm", setLab(kubevirtv1.InterfaceStateLinkUp))
	w.eventually("told", func() bool {
		synchronized := condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSynchronized)
		return synchronized.Status == corev1.ConditionFalse && synchronized.Message == "no more PCI slots"
	})
	w.launcher.with(func() { w.launcher.refuse = nil })
	w.eventually("tried again", func() bool {
		return condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSynchronized).Status == corev1.ConditionTrue
	})
	require.Contains(t, w.events(), "Warning SyncFailed no more PCI slots")
}
