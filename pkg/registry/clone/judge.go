// SPDX-License-Identifier: Apache-2.0

package clone

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/target"
	clonev1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/clone/v1beta1"
	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/reference"
)

// Machines are the machines that are cloned and made.
type Machines interface {
	Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error)
	// Judge says which references the maker of vm must be allowed, and what is wrong with it.
	Judge(ctx context.Context, vm *kubevirtv1.VirtualMachine) ([]reference.Reference, field.ErrorList, error)
}

// judge decides whether the caller may make a clone, and what would come of it.
type judge struct {
	authorizer *reference.Authorizer
	machines   Machines
}

// Create implements rest.Creater.
func (r *REST) Create(ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions) (runtime.Object, error) {
	return r.Store.Create(ctx, obj, r.judge.before(validate), options)
}

// Update implements rest.Updater. An object is also created by an update, when it is applied by the server.
func (r *REST) Update(ctx context.Context, name string, objInfo rest.UpdatedObjectInfo, createValidation rest.ValidateObjectFunc,
	updateValidation rest.ValidateObjectUpdateFunc, forceAllowCreate bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return r.Store.Update(ctx, name, objInfo, r.judge.before(createValidation), updateValidation, forceAllowCreate, options)
}

// noteSource has a clone tell what its source is like when its maker's rights are looked at: what the source refers to
// later is not what its maker was allowed.
func noteSource(machines Machines) genericregistry.BeginCreateFunc {
	return func(ctx context.Context, obj runtime.Object, _ *metav1.CreateOptions) (genericregistry.FinishFunc, error) {
		clone := obj.(*clonev1.VirtualMachineClone)
		delete(clone.Annotations, target.SourceAnnotation)
		nothing := func(context.Context, bool) {}
		if clone.Spec.Source == nil {
			return nothing, nil // validation, which comes later, says so
		}
		source, err := machines.Get(ctx, clone.Spec.Source.Name, &metav1.GetOptions{})
		if err != nil {
			return nothing, nil // judge, which comes later, says so
		}
		fingerprint, err := target.Fingerprint(source.(*kubevirtv1.VirtualMachine))
		if err == nil {
			metav1.SetMetaDataAnnotation(&clone.ObjectMeta, target.SourceAnnotation, fingerprint)
		}
		return nothing, err
	}
}

// before judges a clone, then does next.
func (j judge) before(next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		if err := j.judge(ctx, obj.(*clonev1.VirtualMachineClone)); err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		return next(ctx, obj)
	}
}

// judge asks first for what tells whether the source exists: without the right to read it nobody learns that.
func (j judge) judge(ctx context.Context, clone *clonev1.VirtualMachineClone) error {
	resource, path := clonev1.Resource("virtualmachineclones"), field.NewPath("spec")
	machines := kubevirtv1.SchemeGroupVersion.WithResource("virtualmachines")
	err := j.authorizer.Check(ctx, resource, clone, []reference.Reference{
		{Path: path.Child("source"), Verb: "get", Resource: machines, Name: clone.Spec.Source.Name},
		{Path: path.Child("target"), Verb: "create", Resource: machines, Name: clone.TargetName()},
	})
	if err != nil {
		return err
	}
	obj, err := j.machines.Get(ctx, clone.Spec.Source.Name, &metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		missing := field.NotFound(path.Child("source", "name"), clone.Spec.Source.Name)
		missing.Detail = "there is no such machine: create it first"
		return invalid(clone, field.ErrorList{missing})
	}
	if err != nil {
		return err
	}
	vm, cause := target.Build(ctx, clone, obj.(*kubevirtv1.VirtualMachine), nil)
	if cause != nil {
		return invalid(clone, field.ErrorList{cause})
	}
	references, errs, err := j.machines.Judge(ctx, vm)
	if err != nil {
		return err
	}
	if err := j.authorizer.Check(ctx, resource, clone, references); err != nil {
		return err
	}
	if _, err := j.machines.Get(ctx, vm.Name, &metav1.GetOptions{}); err == nil {
		taken := field.Duplicate(path.Child("target", "name"), vm.Name)
		taken.Detail = "there is such a machine: delete it, or name another target"
		return invalid(clone, field.ErrorList{taken})
	}
	if len(errs) > 0 {
		return invalid(clone, errs)
	}
	return nil
}

func invalid(clone *clonev1.VirtualMachineClone, errs field.ErrorList) error {
	return apierrors.NewInvalid(clonev1.SchemeGroupVersion.WithKind("VirtualMachineClone").GroupKind(), clone.Name, errs)
}
