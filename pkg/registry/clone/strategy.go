// SPDX-License-Identifier: Apache-2.0

package clone

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/target"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
)

// cloneStrategy is the behaviour of clones: the spec is the user's and does not change once it is made.
type cloneStrategy struct {
	strategy.Namespaced
}

var (
	_ rest.RESTCreateStrategy  = cloneStrategy{}
	_ rest.RESTUpdateStrategy  = cloneStrategy{}
	_ rest.ResetFieldsStrategy = cloneStrategy{}
)

func (cloneStrategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	clone := obj.(*clonev1.VirtualMachineClone)
	clone.Generation = 1
	clone.Status = clonev1.VirtualMachineCloneStatus{}
}

func (cloneStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	clone, oldClone := obj.(*clonev1.VirtualMachineClone), old.(*clonev1.VirtualMachineClone)
	clone.Status = oldClone.Status
	if noted, has := oldClone.Annotations[target.SourceAnnotation]; has {
		metav1.SetMetaDataAnnotation(&clone.ObjectMeta, target.SourceAnnotation, noted)
	}
	if !apiequality.Semantic.DeepEqual(clone.Spec, oldClone.Spec) {
		clone.Generation = oldClone.Generation + 1
	}
}

func (cloneStrategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateClone(obj.(*clonev1.VirtualMachineClone))
}

func (cloneStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateCloneUpdate(obj.(*clonev1.VirtualMachineClone), old.(*clonev1.VirtualMachineClone))
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (cloneStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields([]string{"status"}, clonev1.SchemeGroupVersion, clonev1.V1alpha1)
}

// statusStrategy is the behaviour of the status subresource: it changes the status alone.
type statusStrategy struct {
	cloneStrategy
}

func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	clone, oldClone := obj.(*clonev1.VirtualMachineClone), old.(*clonev1.VirtualMachineClone)
	status, managedFields := clone.Status, clone.ManagedFields
	oldClone.DeepCopyInto(clone)
	clone.Status, clone.ManagedFields = status, managedFields
}

func (statusStrategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields([]string{"metadata", "spec"}, clonev1.SchemeGroupVersion, clonev1.V1alpha1)
}
