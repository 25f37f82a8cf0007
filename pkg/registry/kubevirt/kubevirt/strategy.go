// SPDX-License-Identifier: Apache-2.0

package kubevirt

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
)

// settingsStrategy is the behaviour of the settings: the status is never stored.
type settingsStrategy struct {
	strategy.Namespaced
}

var (
	_ rest.RESTCreateStrategy  = settingsStrategy{}
	_ rest.RESTUpdateStrategy  = settingsStrategy{}
	_ rest.ResetFieldsStrategy = settingsStrategy{}
)

func (settingsStrategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	kv := obj.(*kubevirtv1.KubeVirt)
	kv.Generation = 1
	kv.Status = kubevirtv1.KubeVirtStatus{}
}

func (settingsStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	kv, oldKV := obj.(*kubevirtv1.KubeVirt), old.(*kubevirtv1.KubeVirt)
	kv.Status = kubevirtv1.KubeVirtStatus{}
	if !apiequality.Semantic.DeepEqual(kv.Spec, oldKV.Spec) {
		kv.Generation = oldKV.Generation + 1
	}
}

func (settingsStrategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateKubeVirt(obj.(*kubevirtv1.KubeVirt))
}

func (settingsStrategy) ValidateUpdate(_ context.Context, obj, _ runtime.Object) field.ErrorList {
	return validation.ValidateKubeVirt(obj.(*kubevirtv1.KubeVirt))
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (settingsStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return strategy.ResetFields([]string{"status"}, kubevirtv1.SchemeGroupVersion, kubevirtv1.V1alpha3)
}
