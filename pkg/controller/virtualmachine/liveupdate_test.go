// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// changeTemplate has a user change the machine's template.
func (w *world) changeTemplate(change func(*kubevirtv1.DomainSpec)) {
	w.edit(func(machine *kubevirtv1.VirtualMachine) {
		change(&machine.Spec.Template.Spec.Domain)
		machine.Generation++
	})
	w.after(time.Second)
}

func (w *world) restartMessage() string {
	status := w.status()
	if condition := status.Condition(kubevirtv1.VirtualMachineRestartRequired); condition != nil {
		return condition.Message
	}
	return ""
}

func TestARunningMachineTakesWhatItCanAndTellsTheRest(t *testing.T) {
	inWorld(t, func(w *world) {
		machine := newMachine(always)
		machine.Spec.Template.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("1Gi"))}
		w.create(machine)
		w.enters(kubevirtv1.Running)

		w.changeTemplate(func(domain *kubevirtv1.DomainSpec) {
			domain.CPU = &kubevirtv1.CPU{Sockets: ptr.To[uint32](2)}
			domain.Memory.Guest = ptr.To(verbatim.MustParse("2Gi"))
		})
		running := w.server.Instance("vm").Spec.Domain
		assert.EqualValues(t, 2, ptr.Deref(running.CPU.Sockets, 0))
		assert.EqualValues(t, 4, ptr.Deref(running.CPU.MaxSockets, 0), "as it was started")
		assert.Equal(t, "2Gi", running.Memory.Guest.String())
		assert.Equal(t, "4Gi", running.Memory.MaxGuest.String(), "as it was started")
		assert.Empty(t, w.restartMessage())
		assert.Contains(t, w.events(), "Normal SuccessfulUpdate Updated the running virtual machine instance vm")

		w.changeTemplate(func(domain *kubevirtv1.DomainSpec) {
			domain.CPU = &kubevirtv1.CPU{Sockets: ptr.To[uint32](3), Cores: ptr.To[uint32](2)}
			domain.Devices.Rng = &kubevirtv1.Rng{}
		})
		assert.EqualValues(t, 3, ptr.Deref(w.server.Instance("vm").Spec.Domain.CPU.Sockets, 0), "what can be done is done")
		assert.Equal(t, "a non-live-updatable field was changed in the template spec: domain.cpu.cores, domain.devices.rng", w.restartMessage())

		w.changeTemplate(func(domain *kubevirtv1.DomainSpec) {
			domain.CPU.Cores, domain.Devices.Rng = ptr.To[uint32](1), nil
		})
		assert.Empty(t, w.restartMessage(), "changed back")
	})
}

func TestRestartConditionIsBounded(t *testing.T) {
	var fields []string
	for i := range 13 {
		fields = append(fields, fmt.Sprintf("f%d", i))
	}
	assert.Contains(t, restartCondition(fields).Message, ": f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 and 3 more")
}
