// SPDX-License-Identifier: Apache-2.0

package datavolume

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
)

// volumeStrategy is the behaviour of DataVolumes: the spec is the user's and does not change once it is made.
type volumeStrategy struct {
	strategy.Namespaced
}

var (
	_ rest.RESTCreateStrategy  = volumeStrategy{}
	_ rest.RESTUpdateStrategy  = volumeStrategy{}
	_ rest.ResetFieldsStrategy = volumeStrategy{}
)

func (volumeStrategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	dv := obj.(*cdiv1.DataVolume)
	dv.Generation = 1
	dv.Status = cdiv1.DataVolumeStatus{}
}

func (volumeStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	dv, oldDV := obj.(*cdiv1.DataVolume), old.(*cdiv1.DataVolume)
	dv.Status = oldDV.Status
	if !apiequality.Semantic.DeepEqual(dv.Spec, oldDV.Spec) {
		dv.Generation = oldDV.Generation + 1
	}
}

func (volumeStrategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateDataVolume(obj.(*cdiv1.DataVolume))
}

func (volumeStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateDataVolumeUpdate(obj.(*cdiv1.DataVolume), old.(*cdiv1.DataVolume))
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (volumeStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields([]string{"status"}, cdiv1.SchemeGroupVersion)
}

// statusStrategy is the behaviour of the status subresource: it changes the status alone.
type statusStrategy struct {
	volumeStrategy
}

func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	dv, oldDV := obj.(*cdiv1.DataVolume), old.(*cdiv1.DataVolume)
	status, managedFields := dv.Status, dv.ManagedFields
	oldDV.DeepCopyInto(dv)
	dv.Status, dv.ManagedFields = status, managedFields
}

func (statusStrategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields([]string{"metadata", "spec"}, cdiv1.SchemeGroupVersion)
}
