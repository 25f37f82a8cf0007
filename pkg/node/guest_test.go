// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// tell has the launcher say more of the domain.
func (w *world) tell(change func(*api.DomainStatus)) {
	w.launcher.with(func() {
		domain := w.launcher.domains[vmKey]
		change(&domain)
		w.launcher.set(domain)
	})
}

func hasAgent(vmi *kubevirtv1.VirtualMachineInstance) bool {
	return vmi.Status.HasCondition(kubevirtv1.VirtualMachineInstanceAgentConnected, corev1.ConditionTrue)
}

func TestStatusTellsWhatTheAgentInTheGuestTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	vmi := scheduled()
	vmi.Spec.Domain.Devices.Interfaces = []kubevirtv1.Interface{{Name: "default"}}
	w.server.create(vmi)
	w.launcher.initialInterfaces = []netInterface{{Name: "default"}}
	w.run()
	w.untilPhase(kubevirtv1.Running)
	os := kubevirtv1.VirtualMachineInstanceGuestOSInfo{ID: "debian"}
	w.tell(func(domain *api.DomainStatus) {
		domain.Interfaces = []netInterface{{Name: "default", MAC: "52:54:00:00:00:01", InfoSource: "domain"}}
		domain.Agent = &api.Agent{Connected: true, OS: os, Interfaces: []api.GuestInterface{{Name: "eth0", MAC: "52:54:00:00:00:01", IPs: []string{"10.0.2.15"}}}}
	})
	w.eventually("connected", func() bool { return hasAgent(w.server.get("vm")) })
	status := w.server.get("vm").Status
	assert.Equal(t, os, status.GuestOSInfo)
	assert.Equal(t, "10.0.2.15", status.Interfaces[0].IP)

	w.tell(func(domain *api.DomainStatus) { domain.Frozen = true })
	w.eventually("frozen", func() bool { return w.server.get("vm").Status.FSFreezeStatus == "frozen" })

	w.tell(func(domain *api.DomainStatus) { domain.Agent, domain.Frozen = nil, false })
	w.eventually("thawed", func() bool { return w.server.get("vm").Status.FSFreezeStatus == "" })
	status = w.server.get("vm").Status
	assert.True(t, hasAgent(w.server.get("vm")), "a launcher that does not know yet says nothing")
	assert.Equal(t, "10.0.2.15", status.Interfaces[0].IP)

	w.tell(func(domain *api.DomainStatus) { domain.Agent = &api.Agent{} })
	w.eventually("gone", func() bool { return !hasAgent(w.server.get("vm")) })
	status = w.server.get("vm").Status
	assert.Empty(t, status.Interfaces[0].IPs)
	assert.Equal(t, os, status.GuestOSInfo, "it is still the same system")
}
