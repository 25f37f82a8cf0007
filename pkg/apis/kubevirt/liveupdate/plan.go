// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// rule is a field, or some that change together. It gives next, which is the spec of running at first, what of
// wanted the guest can take while it runs. What it does not take waits for a restart.
type rule func(next, wanted *kubevirtv1.VirtualMachineInstanceSpec, running *kubevirtv1.VirtualMachineInstance)

func rules() []rule {
	return []rule{takeVolumes, takeInterfaces, takeSockets, takeMemory, takePlacement}
}

// Plan returns what the spec of a running instance is to be where wanted, which has its defaults, is asked
// for, and the fields of wanted that only a restart brings, such as domain.cpu.cores.
func Plan(running *kubevirtv1.VirtualMachineInstance, wanted *kubevirtv1.VirtualMachineInstanceSpec) (next *kubevirtv1.VirtualMachineInstanceSpec, restart []string) {
	wanted = withAddedVolumes(running, wanted)
	next = running.Spec.DeepCopy()
	for _, take := range rules() {
		take(next, wanted, running)
	}
	if verbatim.Equal(next, wanted) {
		return next, nil
	}
	return next, differences("", fieldsOf(next), fieldsOf(wanted))
}
