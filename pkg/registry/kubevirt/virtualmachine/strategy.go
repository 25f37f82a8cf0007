// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"fmt"
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
)

// runningDeprecated is upstream's warning.
const runningDeprecated = "spec.running is deprecated, please use spec.runStrategy instead."

// machineStrategy is the behaviour of machines. Nothing is ever written into the spec: defaults are filled
// in on a copy when it is judged, and in the instance when one is made.
type machineStrategy struct {
	strategy.Namespaced
	// instancetypes has what machines may refer to.
	instancetypes expand.Source
}

var (
	_ rest.RESTCreateStrategy  = machineStrategy{}
	_ rest.RESTUpdateStrategy  = machineStrategy{}
	_ rest.ResetFieldsStrategy = machineStrategy{}
)

func (s machineStrategy) PrepareForCreate(ctx context.Context, obj runtime.Object) {
	vm := obj.(*kubevirtv1.VirtualMachine)
	vm.Generation = 1
	keepReferences(vm, firstStatus(vm))
	s.pin(ctx, vm)
	if !slices.Contains(vm.Finalizers, kubevirtv1.VirtualMachineControllerFinalizer) {
		vm.Finalizers = append(vm.Finalizers, kubevirtv1.VirtualMachineControllerFinalizer)
	}
}

// firstStatus is what the controller would write first, which saves it the write. A client that starts what it sees
// stopped must not see that of a machine that is about to start.
func firstStatus(vm *kubevirtv1.VirtualMachine) kubevirtv1.VirtualMachineStatus {
	status := kubevirtv1.VirtualMachineStatus{
		PrintableStatus:   firstPrintableStatus(vm),
		DesiredGeneration: vm.Generation,
	}
	if !startsAtOnce(vm) {
		status.RunStrategy = vm.EffectiveRunStrategy()
	}
	status.SetCondition(kubevirtv1.NotReadyWithoutInstance(), metav1.Now())
	return status
}

func firstPrintableStatus(vm *kubevirtv1.VirtualMachine) kubevirtv1.VirtualMachinePrintableStatus {
	switch {
	case !startsAtOnce(vm):
		return kubevirtv1.VirtualMachineStatusStopped
	case len(vm.Spec.DataVolumeTemplates) > 0:
		return kubevirtv1.VirtualMachineStatusProvisioning
	default:
		return kubevirtv1.VirtualMachineStatusStarting
	}
}

// startsAtOnce says whether a new machine starts without being asked to.
func startsAtOnce(vm *kubevirtv1.VirtualMachine) bool {
	strategy := vm.EffectiveRunStrategy()
	return strategy != kubevirtv1.RunStrategyHalted && strategy != kubevirtv1.RunStrategyManual
}

// keepReferences gives vm that status but for what it refers to, which was looked for before (see beginUpdate).
func keepReferences(vm *kubevirtv1.VirtualMachine, status kubevirtv1.VirtualMachineStatus) {
	status.InstancetypeRef, status.PreferenceRef = vm.Status.InstancetypeRef, vm.Status.PreferenceRef
	vm.Status = status
}

// WarningsOnUpdate has none of how the spec is written: the caller of an action did not write it.
func (powerStrategy) WarningsOnUpdate(_ context.Context, obj, _ runtime.Object) []string {
	return missing(obj.(*kubevirtv1.VirtualMachine))
}

// pin has the status hold what the spec refers to. What does not exist yet is for the controller to look for:
// upstream accepts such a machine, so that manifests can be applied in any order.
func (s machineStrategy) pin(ctx context.Context, vm *kubevirtv1.VirtualMachine) {
	if err := expand.Pin(ctx, s.instancetypes, vm); err != nil {
		klog.FromContext(ctx).V(2).Info("Not all that a machine refers to could be had", "vm", klog.KObj(vm), "err", err)
	}
}

func (s machineStrategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	vm, oldVM := obj.(*kubevirtv1.VirtualMachine), old.(*kubevirtv1.VirtualMachine)
	keepReferences(vm, oldVM.Status)
	if !apiequality.Semantic.DeepEqual(vm.Spec, oldVM.Spec) {
		vm.Generation = oldVM.Generation + 1
		s.pin(ctx, vm)
	}
}

func (machineStrategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	vm := obj.(*kubevirtv1.VirtualMachine)
	if errs := validation.ValidateMatchers(&vm.Spec, field.NewPath("spec")); len(errs) > 0 {
		return errs
	}
	judged, errs := expand.Judged(vm)
	if len(errs) > 0 {
		return errs
	}
	return validation.ValidateVirtualMachine(judged)
}

func (s machineStrategy) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	vm, oldVM := obj.(*kubevirtv1.VirtualMachine), old.(*kubevirtv1.VirtualMachine)
	if apiequality.Semantic.DeepEqual(vm.Spec, oldVM.Spec) {
		// A machine that was accepted once can always be relabelled and deleted.
		return nil
	}
	return s.Validate(ctx, vm)
}

func (machineStrategy) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	vm := obj.(*kubevirtv1.VirtualMachine)
	var warnings []string
	if vm.Spec.Running != nil {
		warnings = append(warnings, runningDeprecated)
	}
	return append(warnings, missing(vm)...)
}

// missing warns of what keeps the machine from starting.
func missing(vm *kubevirtv1.VirtualMachine) []string {
	var warnings []string
	for _, r := range expand.References(vm) {
		if kind, name := r.Target(); name != "" && !r.Pinned() {
			warnings = append(warnings, fmt.Sprintf("%s: %s %q is not there yet; the machine can't start until it is", r.Field, kind, name))
		}
	}
	return warnings
}

func (s machineStrategy) WarningsOnUpdate(ctx context.Context, obj, _ runtime.Object) []string {
	return s.WarningsOnCreate(ctx, obj)
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (machineStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields([]string{"status"}, kubevirtv1.SchemeGroupVersion, kubevirtv1.V1alpha3)
}

// powerStrategy is the behaviour of the actions: they may change what the user asked for and leave a request
// in the same write, so that the controller never sees the one without the other.
type powerStrategy struct {
	machineStrategy
}

func (s powerStrategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	vm := obj.(*kubevirtv1.VirtualMachine)
	status := vm.Status
	s.machineStrategy.PrepareForUpdate(ctx, obj, old)
	vm.Status = status
}

// statusStrategy is the behaviour of the status subresource: it changes the status alone.
type statusStrategy struct {
	machineStrategy
}

func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	vm, oldVM := obj.(*kubevirtv1.VirtualMachine), old.(*kubevirtv1.VirtualMachine)
	status, managedFields := vm.Status, vm.ManagedFields
	oldVM.DeepCopyInto(vm)
	vm.Status, vm.ManagedFields = status, managedFields
}

func (statusStrategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

func (statusStrategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields([]string{"metadata", "spec"}, kubevirtv1.SchemeGroupVersion, kubevirtv1.V1alpha3)
}
