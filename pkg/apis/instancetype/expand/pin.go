// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"

	instancetypev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Source has instance types and preferences. Kind is one of those of kubevirtv1; the namespace is of no meaning
// for cluster-wide ones. What does not exist is an error that apierrors.IsNotFound knows.
type Source interface {
	Instancetype(ctx context.Context, kind, namespace, name string) (*instancetypev1.VirtualMachineInstancetypeSpec, error)
	Preference(ctx context.Context, kind, namespace, name string) (*instancetypev1.VirtualMachinePreferenceSpec, error)
}

// Pin makes vm's status hold what its spec refers to: what it holds already of the same name and kind, else what
// source has now. It drops what the spec does not refer to any more. What could not be had is left out, and told
// of by a *Missing for each.
func Pin(ctx context.Context, source Source, vm *kubevirtv1.VirtualMachine) error {
	var errs []error
	size, err := pin(instancetypeRef(vm), vm.Spec.Instancetype.ResolvedKind(), nameOf(vm.Spec.Instancetype),
		func(kind, name string) (any, error) { return source.Instancetype(ctx, kind, vm.Namespace, name) })
	errs = append(errs, err)
	preference, err := pin(preferenceRef(vm), vm.Spec.Preference.ResolvedKind(), preferenceName(vm.Spec.Preference),
		func(kind, name string) (any, error) { return source.Preference(ctx, kind, vm.Namespace, name) })
	errs = append(errs, err)
	vm.Status.InstancetypeRef, vm.Status.PreferenceRef = size, preference
	return errors.Join(errs...)
}

// Missing is why what a machine refers to could not be had.
type Missing struct {
	Kind, Name string
	Err        error
}

func (m *Missing) Error() string { return fmt.Sprintf("%s %q: %v", m.Kind, m.Name, m.Err) }

// Unwrap returns the source's error.
func (m *Missing) Unwrap() error { return m.Err }

func pin(held *kubevirtv1.InstancetypeStatusRef, kind, name string, get func(kind, name string) (any, error)) (*kubevirtv1.InstancetypeStatusRef, error) {
	if held != nil || kind == "" || name == "" {
		return held, nil
	}
	spec, err := get(kind, name)
	if err != nil {
		return nil, &Missing{kind, name, err}
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return nil, &Missing{kind, name, err}
	}
	return &kubevirtv1.InstancetypeStatusRef{Name: name, Kind: kind, Spec: &runtime.RawExtension{Raw: raw}}, nil
}

// instancetypeRef returns what the status holds of the instance type that the spec refers to, or nil.
func instancetypeRef(vm *kubevirtv1.VirtualMachine) *kubevirtv1.InstancetypeStatusRef {
	return refOf(vm.Status.InstancetypeRef, vm.Spec.Instancetype.ResolvedKind(), nameOf(vm.Spec.Instancetype))
}

// preferenceRef returns what the status holds of the preference that the spec refers to, or nil.
func preferenceRef(vm *kubevirtv1.VirtualMachine) *kubevirtv1.InstancetypeStatusRef {
	return refOf(vm.Status.PreferenceRef, vm.Spec.Preference.ResolvedKind(), preferenceName(vm.Spec.Preference))
}

func refOf(ref *kubevirtv1.InstancetypeStatusRef, kind, name string) *kubevirtv1.InstancetypeStatusRef {
	if ref == nil || ref.Spec == nil || ref.Kind != kind || ref.Name != name {
		return nil
	}
	return ref
}

func nameOf(matcher *kubevirtv1.InstancetypeMatcher) string {
	if matcher == nil {
		return ""
	}
	return matcher.Name
}

func preferenceName(matcher *kubevirtv1.PreferenceMatcher) string {
	if matcher == nil {
		return ""
	}
	return matcher.Name
}

// Pinned says whether vm's status holds all that its spec refers to, and nothing else.
func Pinned(vm *kubevirtv1.VirtualMachine) bool {
	return (vm.Spec.Instancetype == nil) == (vm.Status.InstancetypeRef == nil) &&
		(vm.Spec.Preference == nil) == (vm.Status.PreferenceRef == nil) &&
		(vm.Spec.Instancetype == nil || instancetypeRef(vm) != nil) &&
		(vm.Spec.Preference == nil || preferenceRef(vm) != nil)
}
