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

// Pin makes vm's status hold what its spec refers to: what it holds already of the same reference, else what source
// has now. It drops what the spec does not refer to any more. What could not be had is left out, but for what was
// inferred from a volume, and told of by a *Missing for each.
func Pin(ctx context.Context, source Source, vm *kubevirtv1.VirtualMachine) error {
	size, sizeErr := pin(instancetypeOf(vm), func(kind, name string) (any, error) { return source.Instancetype(ctx, kind, vm.Namespace, name) })
	preference, preferenceErr := pin(preferenceOf(vm), func(kind, name string) (any, error) { return source.Preference(ctx, kind, vm.Namespace, name) })
	vm.Status.InstancetypeRef, vm.Status.PreferenceRef = size, preference
	return errors.Join(sizeErr, preferenceErr)
}

// Missing is why what a machine refers to could not be had.
type Missing struct {
	Kind, Name string
	Err        error
}

func (m *Missing) Error() string { return fmt.Sprintf("%s %q: %v", m.Kind, m.Name, m.Err) }

// Unwrap returns the source's error.
func (m *Missing) Unwrap() error { return m.Err }

// pin returns what the status is to hold of a reference, which may be nil.
func pin(r *Reference, get func(kind, name string) (any, error)) (*kubevirtv1.InstancetypeStatusRef, error) {
	if r == nil {
		return nil, nil
	}
	held := r.held()
	if r.Pinned() {
		return held, nil
	}
	kind, name := r.Target()
	if r.Undecided() {
		return nil, &Missing{r.kind, r.Volume, undecided()}
	}
	if kind == "" || name == "" {
		return held, nil // which is for the validation to tell
	}
	spec, err := get(kind, name)
	if err != nil {
		return held, &Missing{kind, name, err}
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return held, &Missing{kind, name, err}
	}
	return &kubevirtv1.InstancetypeStatusRef{
		Name: name, Kind: kind, InferFromVolume: r.Volume, InferFromVolumeFailurePolicy: r.Policy,
		Spec: &runtime.RawExtension{Raw: raw},
	}, nil
}

// Pinned says whether vm's status holds all that its spec refers to, and nothing else.
func Pinned(vm *kubevirtv1.VirtualMachine) bool {
	for _, r := range References(vm) {
		if !r.Pinned() {
			return false
		}
	}
	return (vm.Spec.Instancetype == nil) == (vm.Status.InstancetypeRef == nil) &&
		(vm.Spec.Preference == nil) == (vm.Status.PreferenceRef == nil)
}
