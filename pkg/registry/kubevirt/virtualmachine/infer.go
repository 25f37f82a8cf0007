// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/infer"
)

// beginCreate has the status hold what the spec has inferred from volumes, and nothing that the client says of it.
// Server-side apply creates by this hook as well.
func beginCreate(inferrer *infer.Inferrer) genericregistry.BeginCreateFunc {
	return func(ctx context.Context, obj runtime.Object, _ *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
		vm := obj.(*kubevirtv1.VirtualMachine)
		vm.Status.InstancetypeRef, vm.Status.PreferenceRef = nil, nil
		return nothingToFinish, inferFor(ctx, inferrer, vm)
	}
}

// beginUpdate does so for a spec that was changed; what was inferred before stays.
func beginUpdate(inferrer *infer.Inferrer) genericregistry.BeginUpdateFunc {
	return func(ctx context.Context, obj, old runtime.Object, _ *metav1.UpdateOptions) (genericregistry.FinishFunc, error) {
		vm, oldVM := obj.(*kubevirtv1.VirtualMachine), old.(*kubevirtv1.VirtualMachine)
		vm.Status.InstancetypeRef, vm.Status.PreferenceRef = oldVM.Status.InstancetypeRef, oldVM.Status.PreferenceRef
		if apiequality.Semantic.DeepEqual(vm.Spec, oldVM.Spec) {
			return nothingToFinish, nil
		}
		return nothingToFinish, inferFor(ctx, inferrer, vm)
	}
}

// inferFor leaves a spec alone that the validation, which comes later, is going to refuse.
func inferFor(ctx context.Context, inferrer *infer.Inferrer, vm *kubevirtv1.VirtualMachine) error {
	if vm.Spec.Template == nil || len(validation.ValidateMatchers(&vm.Spec, field.NewPath("spec"))) > 0 {
		return nil
	}
	return inferrer.Infer(ctx, vm)
}

func nothingToFinish(context.Context, bool) {}
