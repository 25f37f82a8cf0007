// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/json"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/instancetype/expand"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/validation"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/action"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/infer"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
)

const (
	// maxMachine is more than any machine that can be stored has.
	maxMachine = 2 << 20
	// maxCauses is how many unknown fields are told of.
	maxCauses = 10
)

// expander shows machines as their instances are made from them.
type expander struct {
	machines      rest.Getter
	instancetypes expand.Source
	inferrer      *infer.Inferrer
	authorizer    *reference.Authorizer
}

// ExpandSpec returns the storage of the expand-spec subresource, for a parent of the given kind.
func (s *Storage) ExpandSpec(kind runtime.Object) rest.Storage {
	return action.NewGet(kind, s.expander.stored)
}

// ExpandBody answers with the machine that body holds, expanded. It need not be stored; ctx has the namespace and
// the user, who must be allowed to read what the machine refers to. What is wrong is a 400 or a 403.
func (s *Storage) ExpandBody(ctx context.Context, namespace string, body io.Reader) (*kubevirtv1.VirtualMachine, error) {
	vm, err := decodeMachine(body)
	if err != nil {
		return nil, err
	}
	if vm.Namespace != "" && vm.Namespace != namespace {
		return nil, apierrors.NewBadRequest("VM namespace must be empty or " + namespace)
	}
	vm.Namespace = namespace
	vm.Status.InstancetypeRef, vm.Status.PreferenceRef = nil, nil
	if errs := validation.ValidateMatchers(&vm.Spec, field.NewPath("spec")); len(errs) > 0 {
		return nil, badRequest(errs.ToAggregate())
	}
	if err := s.expander.inferrer.Infer(ctx, vm); err != nil {
		return nil, err
	}
	if err := s.expander.authorizer.Check(ctx, kubevirtv1.Resource("virtualmachines"), vm, matched(vm)); err != nil {
		return nil, err
	}
	expanded, err := s.expander.expand(ctx, vm)
	if err != nil {
		return nil, badRequest(err)
	}
	return expanded, nil
}

// decodeMachine refuses fields that machines do not have, as upstream does.
func decodeMachine(body io.Reader) (*kubevirtv1.VirtualMachine, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, io.NopCloser(body), maxMachine))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("a machine has at most %d bytes", tooLarge.Limit))
	case err != nil:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("read the request body: %v", err))
	case len(raw) == 0:
		return nil, apierrors.NewBadRequest("empty request body")
	}
	vm := &kubevirtv1.VirtualMachine{}
	unknown, err := json.UnmarshalStrict(raw, vm)
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("Can not unmarshal Request body to struct, error: %v", err))
	}
	if vm.Spec.Template == nil {
		unknown = append(unknown, field.Required(field.NewPath("spec", "template"), "a machine needs a template of its instances"))
	}
	if len(unknown) > 0 {
		return nil, notAMachine(unknown)
	}
	return vm, nil
}

func notAMachine(problems []error) error {
	refusal := apierrors.NewBadRequest("Object is not a valid VirtualMachine")
	refusal.ErrStatus.Details = &metav1.StatusDetails{}
	for _, problem := range problems[:min(len(problems), maxCauses)] {
		refusal.ErrStatus.Details.Causes = append(refusal.ErrStatus.Details.Causes, metav1.StatusCause{Message: problem.Error()})
	}
	return refusal
}

// stored expands a machine that is stored.
func (e *expander) stored(ctx context.Context, name string) (any, error) {
	obj, err := e.machines.Get(ctx, name, &metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, apierrors.NewNotFound(singular, name)
	}
	if err != nil {
		return nil, err
	}
	vm := obj.(*kubevirtv1.VirtualMachine).DeepCopy()
	// What the status does not hold is read for who asks, and was for who wrote the machine.
	if !expand.Pinned(vm) {
		if err := e.authorizer.Check(ctx, kubevirtv1.Resource("virtualmachines"), vm, matched(vm)); err != nil {
			return nil, err
		}
	}
	return e.expand(ctx, vm)
}

// expand returns vm, which it may change, with what it refers to and the defaults of its instances in the
// template. As upstream has it, one that refers to nothing is returned as it is.
func (e *expander) expand(ctx context.Context, vm *kubevirtv1.VirtualMachine) (*kubevirtv1.VirtualMachine, error) {
	kind := kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachine")
	vm.SetGroupVersionKind(kind)
	if vm.Spec.Instancetype == nil && vm.Spec.Preference == nil {
		return vm, nil
	}
	if err := expand.Pin(ctx, e.instancetypes, vm); err != nil {
		return nil, notFound(err)
	}
	expanded, errs := expand.Shown(vm)
	if len(errs) > 0 {
		return nil, apierrors.NewInvalid(kind.GroupKind(), vm.Name, errs)
	}
	kubevirtv1.SetDefaultsVirtualMachineInstanceSpec(&expanded.Spec.Template.Spec)
	expanded.Spec.Instancetype, expanded.Spec.Preference = nil, nil
	expanded.Status.InstancetypeRef, expanded.Status.PreferenceRef = nil, nil
	return expanded, nil
}

// notFound keeps the answer of the store, which names what is missing.
func notFound(err error) error {
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		return status
	}
	return apierrors.NewInternalError(err)
}

// badRequest makes a 400 of what is wrong with a body, and keeps the causes.
func badRequest(err error) error {
	refusal := apierrors.NewBadRequest(err.Error())
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		refusal.ErrStatus.Details = status.Status().Details
	}
	return refusal
}
