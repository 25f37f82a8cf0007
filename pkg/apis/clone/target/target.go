// SPDX-License-Identifier: Apache-2.0

package target

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/filter"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/patch"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// CloneAnnotation, on a machine, is the UID of the VirtualMachineClone that made it.
const CloneAnnotation = "clone.kubevirt.io/clone-uid"

// Claims returns the claim of that name in the namespace of the source, or nil where it is not known.
type Claims func(name string) *corev1.PersistentVolumeClaim

// Build returns the machine that clone makes from source. As upstream's it is halted, and has a firmware UUID
// and MAC addresses of its own. claims tells what storage the copies need; without it they have the default.
func Build(ctx context.Context, clone *clonev1.VirtualMachineClone, source *kubevirtv1.VirtualMachine, claims Claims) (*kubevirtv1.VirtualMachine, *field.Error) {
	if err := canBeCloned(source); err != nil {
		return nil, err
	}
	spec := &clone.Spec
	vm := &kubevirtv1.VirtualMachine{
		TypeMeta: metav1.TypeMeta{APIVersion: kubevirtv1.SchemeGroupVersion.String(), Kind: "VirtualMachine"},
		ObjectMeta: metav1.ObjectMeta{
			Name: clone.TargetName(), Namespace: source.Namespace, Labels: source.Labels, Annotations: source.Annotations,
		},
		Spec: *source.Spec.DeepCopy(),
	}
	if err := choose(ctx, vm, spec); err != nil {
		return nil, err
	}
	// It would have the next "kubectl apply" of the clone's manifest take the source's for what was there.
	delete(vm.Annotations, corev1.LastAppliedConfigAnnotation)
	vm.Spec.Running, vm.Spec.RunStrategy = nil, ptr.To(kubevirtv1.RunStrategyHalted)
	if err := identify(&vm.Spec.Template.Spec, spec); err != nil {
		return nil, err
	}
	copyDisks(vm, source, claims)
	vm, err := patched(ctx, vm, spec.Patches)
	if err != nil {
		return nil, err
	}
	// Last, so that no patch makes another's machine of it.
	vm.Name, vm.Namespace = clone.TargetName(), source.Namespace
	metav1.SetMetaDataAnnotation(&vm.ObjectMeta, CloneAnnotation, string(clone.UID))
	return vm, nil
}

// choose has vm keep those of its source's labels and annotations that the filters let through, in copies.
func choose(ctx context.Context, vm *kubevirtv1.VirtualMachine, spec *clonev1.VirtualMachineCloneSpec) *field.Error {
	path, template := field.NewPath("spec"), vm.Spec.Template.ObjectMeta
	if template == nil {
		template = &verbatim.ObjectMeta{}
	}
	templated := ptr.Deref(spec.Template, clonev1.VirtualMachineCloneTemplateFilters{})
	for _, list := range []struct {
		keys    *map[string]string
		filters []string
		path    *field.Path
	}{
		{&vm.Labels, spec.LabelFilters, path.Child("labelFilters")},
		{&vm.Annotations, spec.AnnotationFilters, path.Child("annotationFilters")},
		{&template.Labels, templated.LabelFilters, path.Child("template", "labelFilters")},
		{&template.Annotations, templated.AnnotationFilters, path.Child("template", "annotationFilters")},
	} {
		chosen, err := filter.Apply(ctx, *list.keys, list.filters)
		if err != nil {
			return field.Invalid(list.path, list.filters, err.Error())
		}
		*list.keys = chosen
	}
	return nil
}

// canBeCloned refuses what upstream refuses.
func canBeCloned(source *kubevirtv1.VirtualMachine) *field.Error {
	name := field.NewPath("spec", "source", "name")
	if source.Spec.Template == nil {
		return field.Invalid(name, source.Name, "the machine has no template")
	}
	domain := &source.Spec.Template.Spec.Domain
	if tpm := domain.Devices.TPM; tpm != nil && ptr.Deref(tpm.Persistent, false) {
		return field.Invalid(name, source.Name, "the machine has a persistent TPM, which cannot be cloned")
	}
	if f := domain.Firmware; f != nil && f.Bootloader != nil && f.Bootloader.EFI != nil && ptr.Deref(f.Bootloader.EFI.Persistent, false) {
		return field.Invalid(name, source.Name, "the machine has persistent EFI variables, which cannot be cloned")
	}
	return nil
}

// identify gives the guest an identity of its own.
func identify(vmi *kubevirtv1.VirtualMachineInstanceSpec, spec *clonev1.VirtualMachineCloneSpec) *field.Error {
	given := maps.Clone(spec.NewMacAddresses)
	for i := range vmi.Domain.Devices.Interfaces {
		nic := &vmi.Domain.Devices.Interfaces[i]
		nic.MacAddress = ptr.To(strings.ReplaceAll(given[nic.Name], "-", ":"))
		delete(given, nic.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		return field.Invalid(field.NewPath("spec", "newMacAddresses").Key(name), given[name], "the machine's template has no interface of that name; the default one, where it has none at all, has to be written out for this")
	}
	if vmi.Domain.Firmware == nil && spec.NewSMBiosSerial == nil {
		return nil
	}
	if vmi.Domain.Firmware == nil {
		vmi.Domain.Firmware = &kubevirtv1.Firmware{}
	}
	vmi.Domain.Firmware.UUID = nil
	vmi.Domain.Firmware.Serial = spec.NewSMBiosSerial
	return nil
}

// patched returns vm with the operations done to it.
func patched(ctx context.Context, vm *kubevirtv1.VirtualMachine, operations []string) (*kubevirtv1.VirtualMachine, *field.Error) {
	if len(operations) == 0 {
		return vm, nil
	}
	path := field.NewPath("spec", "patches")
	document, err := json.Marshal(vm)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, field.InternalError(path, err)
	}
	document, err = patch.Apply(document, operations)
	if err != nil {
		return nil, field.Invalid(path, field.OmitValueType{}, fmt.Sprintf("cannot be done to the clone: %v", err))
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	result := &kubevirtv1.VirtualMachine{}
	if err := decoder.Decode(result); err != nil {
		return nil, field.Invalid(path, field.OmitValueType{}, fmt.Sprintf("what they make of the clone is no machine: %v", err))
	}
	if result.Spec.Template == nil {
		return nil, field.Invalid(path, field.OmitValueType{}, "what they make of the clone has no template")
	}
	return result, nil
}
