// SPDX-License-Identifier: Apache-2.0

package node

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

// runPluggable brings a guest of 1Gi, and one socket of two cores, to run.
func runPluggable(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.run()
	vmi := scheduled()
	vmi.Spec.Domain.CPU.MaxSockets = ptr.To[uint32](4)
	vmi.Spec.Domain.Memory = &kubevirtv1.Memory{Guest: ptr.To(verbatim.MustParse("1Gi")), MaxGuest: ptr.To(verbatim.MustParse("4Gi"))}
	w.server.create(vmi)
	w.untilPhase(kubevirtv1.Running)
	w.setHardware(2, api.Memory{AtBoot: 1 << 30, Requested: 1 << 30, Current: 1 << 30})
	return w
}

// setHardware has the launcher tell what the guest has.
func (w *world) setHardware(vcpus uint, memory api.Memory) {
	w.launcher.with(func() {
		domain := w.launcher.domains[vmKey]
		domain.VCPUs, domain.Memory = vcpus, memory
		w.launcher.set(domain)
	})
}

func (w *world) grow() {
	w.server.edit("vm", func(vmi *kubevirtv1.VirtualMachineInstance) {
		vmi.Spec.Domain.CPU.Sockets = ptr.To[uint32](2)
		vmi.Spec.Domain.Memory.Guest = ptr.To(verbatim.MustParse("2Gi"))
	})
}

func TestAGuestGetsWhatItsSpecIsChangedTo(t *testing.T) {
	t.Parallel()
	w := runPluggable(t)
	w.grow()
	w.eventually("resized", func() bool {
		status := w.server.get("vm").Status
		return status.CurrentCPUTopology.Sockets == 2 && status.Memory.GuestRequested.String() == "2Gi"
	})
	vmi := w.server.get("vm")
	assert.Equal(t, "1Gi", vmi.Status.Memory.GuestAtBoot.String())
	assert.Equal(t, "1Gi", vmi.Status.Memory.GuestCurrent.String())
	assert.Equal(t, corev1.ConditionTrue, condition(vmi, kubevirtv1.VirtualMachineInstanceMemoryChange).Status)
	w.launcher.with(func() {
		asked := slices.Compact(slices.Clone(w.launcher.resizes)) // what was asked for may be asked for again before it is seen
		assert.Equal(t, []api.ResizeRequest{{VCPUs: 4, Memory: 2 << 30}}, asked)
	})

	w.setHardware(4, api.Memory{AtBoot: 1 << 30, Requested: 2 << 30, Current: 2 << 30})
	w.eventually("taken", func() bool {
		vmi := w.server.get("vm")
		return vmi.Status.Memory.GuestCurrent.String() == "2Gi" && condition(vmi, kubevirtv1.VirtualMachineInstanceMemoryChange).Type == ""
	})
}

func TestARefusedResizeIsTold(t *testing.T) {
	t.Parallel()
	w := runPluggable(t)
	w.launcher.with(func() { w.launcher.refuse = &api.Error{Reason: api.ErrorInvalid, Message: "no slot is left"} })
	w.grow()
	w.eventually("told", func() bool {
		synchronized := condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSynchronized)
		return synchronized.Status == corev1.ConditionFalse && synchronized.Message == "no slot is left"
	})
	w.settle()
	require.Contains(t, w.events(), "Warning SyncFailed no slot is left")
	assert.EqualValues(t, 1, w.server.get("vm").Status.CurrentCPUTopology.Sockets)

	w.launcher.with(func() { w.launcher.refuse = nil })
	w.server.edit("vm", func(vmi *kubevirtv1.VirtualMachineInstance) { vmi.Annotations = map[string]string{"look": "again"} })
	w.eventually("synchronized", func() bool {
		return condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSynchronized).Status == corev1.ConditionTrue
	})
}
