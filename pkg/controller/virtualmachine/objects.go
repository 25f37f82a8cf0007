// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"maps"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// newInstance returns the instance that is made from the machine's template now. What the machine refers to is
// applied to it already.
func newInstance(machine *kubevirtv1.VirtualMachine, paused bool) *kubevirtv1.VirtualMachineInstance {
	meta := template(machine).ObjectMeta
	annotations := maps.Clone(meta.GetAnnotations())
	if annotations == nil {
		annotations = make(map[string]string, 1)
	}
	annotations[kubevirtv1.VirtualMachineGenerationAnnotation] = generationOf(machine)
	annotateInstancetype(annotations, machine)
	instance := &kubevirtv1.VirtualMachineInstance{
		ObjectMeta: metav1.ObjectMeta{
			Name:            machine.Name,
			Namespace:       machine.Namespace,
			Labels:          maps.Clone(meta.GetLabels()),
			Annotations:     annotations,
			OwnerReferences: []metav1.OwnerReference{ownerReference(machine)},
			Finalizers:      []string{kubevirtv1.VirtualMachineInstanceFinalizer},
		},
		Spec: instanceSpec(machine),
	}
	if paused {
		instance.Spec.StartStrategy = ptr.To(kubevirtv1.StartStrategyPaused)
	}
	return instance
}

// instanceSpec is the template's spec with what is computed for each of the machine's instances alike.
func instanceSpec(machine *kubevirtv1.VirtualMachine) kubevirtv1.VirtualMachineInstanceSpec {
	spec := *template(machine).Spec.DeepCopy()
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&spec)
	kubevirtv1.RemoveAbsentInterfaces(&spec)
	kubevirtv1.SetIdentity(&spec, machine.UID)
	return spec
}

// newDataVolume returns the DataVolume that template asks for.
func newDataVolume(machine *kubevirtv1.VirtualMachine, template *kubevirtv1.DataVolumeTemplateSpec) *cdiv1.DataVolume {
	labels := maps.Clone(template.ObjectMeta.Labels)
	if labels == nil {
		labels = make(map[string]string, 1)
	}
	labels[kubevirtv1.CreatedByLabel] = string(machine.UID)
	return &cdiv1.DataVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:            template.ObjectMeta.Name,
			Namespace:       machine.Namespace,
			Labels:          labels,
			Annotations:     maps.Clone(template.ObjectMeta.Annotations),
			OwnerReferences: []metav1.OwnerReference{ownerReference(machine)},
		},
		Spec: *template.Spec.DeepCopy(),
	}
}

func ownerReference(machine *kubevirtv1.VirtualMachine) metav1.OwnerReference {
	return *metav1.NewControllerRef(machine, kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachine"))
}

func generationOf(machine *kubevirtv1.VirtualMachine) string {
	return strconv.FormatInt(machine.Generation, 10)
}
