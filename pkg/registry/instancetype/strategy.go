// SPDX-License-Identifier: Apache-2.0

package instancetype

import (
	"context"
	"fmt"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/strategy"
)

// resourceStrategy is the behaviour of all of the group's resources. They may be changed: machines that refer
// to one have what it was like before.
type resourceStrategy struct {
	strategy.Namespaced
	resource resource
}

var (
	_ rest.RESTCreateStrategy = resourceStrategy{}
	_ rest.RESTUpdateStrategy = resourceStrategy{}
)

// NamespaceScoped says whether the resource is of namespaces, rather than of the cluster.
func (s resourceStrategy) NamespaceScoped() bool { return s.resource.namespaced }

func (resourceStrategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	obj.(metav1.Object).SetGeneration(1)
}

func (s resourceStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	if !apiequality.Semantic.DeepEqual(s.resource.spec(obj), s.resource.spec(old)) {
		obj.(metav1.Object).SetGeneration(old.(metav1.Object).GetGeneration() + 1)
	}
}

func (s resourceStrategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	switch spec := s.resource.spec(obj).(type) {
	case *instancetypev1.VirtualMachineInstancetypeSpec:
		return validation.ValidateInstancetypeSpec(spec, field.NewPath("spec"))
	case *instancetypev1.VirtualMachinePreferenceSpec:
		return validation.ValidatePreferenceSpec(spec, field.NewPath("spec"))
	default:
		return field.ErrorList{field.InternalError(field.NewPath("spec"), fmt.Errorf("a %T is not known", spec))}
	}
}

func (s resourceStrategy) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	if apiequality.Semantic.DeepEqual(s.resource.spec(obj), s.resource.spec(old)) {
		return nil // what was accepted once can always be relabelled
	}
	return s.Validate(ctx, obj)
}

// WarningsOnCreate tells of what no node gives, and has upstream's warning.
func (s resourceStrategy) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	var warnings []string
	var refused []expand.Unsupported
	switch spec := s.resource.spec(obj).(type) {
	case *instancetypev1.VirtualMachineInstancetypeSpec:
		refused = expand.UnsupportedSize(spec)
	case *instancetypev1.VirtualMachinePreferenceSpec:
		refused = expand.UnsupportedPreference(spec, "")
		warnings = renamed(spec)
	}
	for _, u := range refused {
		warnings = append(warnings, "machines that refer to it are refused: spec."+u.String())
	}
	return warnings
}

func renamed(spec *instancetypev1.VirtualMachinePreferenceSpec) []string {
	if spec.CPU == nil || spec.CPU.PreferredCPUTopology == nil {
		return nil
	}
	topology := *spec.CPU.PreferredCPUTopology
	renamed, old := expand.RenamedTopology(topology)
	if !old {
		return nil
	}
	return []string{fmt.Sprintf("PreferredCPUTopology %s is deprecated for removal in a future release, please use %s instead", topology, renamed)}
}

// WarningsOnUpdate has those of the creation.
func (s resourceStrategy) WarningsOnUpdate(ctx context.Context, obj, _ runtime.Object) []string {
	return s.WarningsOnCreate(ctx, obj)
}
