// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

func TestAnEmulatedGuestSaysWhatItGoesWithout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	vmi := scheduled()
	vmi.Spec.Domain.Features = &kubevirtv1.Features{Hyperv: &kubevirtv1.FeatureHyperv{}}
	w.server.create(vmi)
	assert.Empty(t, condition(w.untilPhase(kubevirtv1.Running), kubevirtv1.VirtualMachineInstanceSoftwareEmulation))

	w.launcher.with(func() {
		domain := w.launcher.domains[vmKey]
		domain.Accelerator = "tcg"
		w.launcher.set(domain)
	})
	w.eventually("told", func() bool {
		told := condition(w.server.get("vm"), kubevirtv1.VirtualMachineInstanceSoftwareEmulation)
		return told.Status == corev1.ConditionTrue && told.Message ==
			"KVM is not usable on the node: the guest is emulated, without features.hyperv of spec.domain"
	})
}
