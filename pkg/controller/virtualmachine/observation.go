// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// observation is all that is decided from. What it points to is shared and must not be changed.
type observation struct {
	machine *kubevirtv1.VirtualMachine
	// expanded is the machine as its instances are made from it: what it refers to is in its status, and applied
	// to its spec unless unexpanded says why it can't be.
	expanded   *kubevirtv1.VirtualMachine
	unexpanded *failure
	// instance is the machine's own, or nil.
	instance *kubevirtv1.VirtualMachineInstance
	// orphan has the machine's name and is nobody's, so that it is to become the machine's.
	orphan *kubevirtv1.VirtualMachineInstance
	// occupied is true where an instance of the machine's name is not the machine's.
	occupied bool
	// dataVolumes and claims are those that exist of the template's volumes, by name.
	dataVolumes map[string]*cdiv1.DataVolume
	claims      map[string]*corev1.PersistentVolumeClaim
}

// own sorts an instance of the machine's name, which may be nil, into its place.
func (o *observation) own(instance *kubevirtv1.VirtualMachineInstance) {
	o.instance, o.orphan, o.occupied = nil, nil, false
	switch {
	case instance == nil:
	case metav1.IsControlledBy(instance, o.machine):
		o.instance = instance
	case metav1.GetControllerOf(instance) == nil && instance.DeletionTimestamp == nil && o.machine.DeletionTimestamp == nil:
		o.orphan, o.occupied = instance, true
	default:
		o.occupied = true
	}
}

// live says whether the instance has not ended and is not being ended.
func (o *observation) live() bool {
	return o.instance != nil && !o.instance.IsFinal() && o.instance.DeletionTimestamp == nil
}

// template returns the machine's template. Validation does not let a machine be without.
func template(machine *kubevirtv1.VirtualMachine) *kubevirtv1.VirtualMachineInstanceTemplateSpec {
	if machine.Spec.Template == nil {
		return &kubevirtv1.VirtualMachineInstanceTemplateSpec{}
	}
	return machine.Spec.Template
}

// claimNames returns the names of the claims that the machine uses or makes.
func claimNames(machine *kubevirtv1.VirtualMachine) []string {
	names := template(machine).Spec.ClaimNames()
	for i := range machine.Spec.DataVolumeTemplates {
		if name := machine.Spec.DataVolumeTemplates[i].ObjectMeta.Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
