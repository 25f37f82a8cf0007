// SPDX-License-Identifier: Apache-2.0

package expand

import (
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// undecided is of a machine whose status was lost: when it was written, what to infer was decided, or it was refused.
func undecided() error {
	return apierrors.NewBadRequest("what was inferred from this volume is lost: remove the reference and give it again")
}

// Reference is what a machine refers to: an instance type or a preference, by its name or by a volume that names it.
type Reference struct {
	// Field is the member of the machine's spec that has it.
	Field *field.Path
	// Volume is what the name is inferred from; "" where the spec says it.
	Volume string
	// Policy is what becomes of a machine whose volume names none.
	Policy *kubevirtv1.InferFromVolumeFailurePolicy
	// Preference tells preferences from instance types.
	Preference bool

	kind, name string
	// status is the member of the machine's status that holds it.
	status **kubevirtv1.InstancetypeStatusRef
}

// References returns what vm refers to. They are of use as long as vm is.
func References(vm *kubevirtv1.VirtualMachine) []Reference {
	var found []Reference
	for _, r := range []*Reference{instancetypeOf(vm), preferenceOf(vm)} {
		if r != nil {
			found = append(found, *r)
		}
	}
	return found
}

func instancetypeOf(vm *kubevirtv1.VirtualMachine) *Reference {
	m := vm.Spec.Instancetype
	if m == nil {
		return nil
	}
	return &Reference{
		Field: field.NewPath("spec", "instancetype"), Volume: ptr.Deref(m.InferFromVolume, ""), Policy: m.InferFromVolumeFailurePolicy,
		kind: m.ResolvedKind(), name: ptr.Deref(m.Name, ""), status: &vm.Status.InstancetypeRef,
	}
}

func preferenceOf(vm *kubevirtv1.VirtualMachine) *Reference {
	m := vm.Spec.Preference
	if m == nil {
		return nil
	}
	return &Reference{
		Field: field.NewPath("spec", "preference"), Volume: ptr.Deref(m.InferFromVolume, ""), Policy: m.InferFromVolumeFailurePolicy, Preference: true,
		kind: m.ResolvedKind(), name: ptr.Deref(m.Name, ""), status: &vm.Status.PreferenceRef,
	}
}

// held returns what the status holds of it, or nil.
func (r *Reference) held() *kubevirtv1.InstancetypeStatusRef {
	ref := *r.status
	switch {
	case ref == nil || ref.InferFromVolume != r.Volume || !apiequality.Semantic.DeepEqual(ref.InferFromVolumeFailurePolicy, r.Policy):
		return nil
	case r.Volume != "":
		return ref
	case ref.Kind != r.kind || ref.Name != r.name || ref.Spec == nil:
		return nil
	default:
		return ref
	}
}

// Ignores says whether the machine does without where the volume names none.
func (r *Reference) Ignores() bool {
	return r.Policy != nil && *r.Policy == kubevirtv1.IgnoreInferFromVolumeFailure
}

// Undecided says whether the name is still to be inferred.
func (r *Reference) Undecided() bool { return r.Volume != "" && r.held() == nil }

// Decide keeps what was inferred, an empty name for nothing, in the machine's status.
func (r *Reference) Decide(kind, name string) {
	*r.status = &kubevirtv1.InstancetypeStatusRef{Kind: kind, Name: name, InferFromVolume: r.Volume, InferFromVolumeFailurePolicy: r.Policy}
}

// Target returns the kind and the name of what is referred to. The name is empty where that is undecided, or nothing.
func (r *Reference) Target() (kind, name string) {
	if r.Volume == "" {
		return r.kind, r.name
	}
	if ref := r.held(); ref != nil {
		return ref.Kind, ref.Name
	}
	return "", ""
}

// Pinned says whether the status holds all of it.
func (r *Reference) Pinned() bool {
	ref := r.held()
	return ref != nil && (ref.Spec != nil || ref.Name == "")
}

// inferred says whether a volume named something.
func (r *Reference) inferred() bool {
	_, name := r.Target()
	return r.Volume != "" && name != ""
}
