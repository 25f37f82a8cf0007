// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/action"
)

// power carries out start, stop and restart. Depending on the run strategy they change what the user asked
// for (Always and Halted are each other's start and stop) or leave a request in the status, on which the
// controller acts. Preconditions, codes and texts are upstream's.
type power struct {
	machines  rest.Patcher
	status    rest.Patcher
	instances rest.Patcher
}

// singular names the resource in errors as upstream's do.
var singular = kubevirtv1.Resource("virtualmachine")

// Start returns the storage of the start subresource, for a parent of the given kind.
func (s *Storage) Start(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusAccepted, s.power.start)
}

// Stop returns the storage of the stop subresource, for a parent of the given kind.
func (s *Storage) Stop(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusAccepted, s.power.stop)
}

// Restart returns the storage of the restart subresource, for a parent of the given kind.
func (s *Storage) Restart(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusAccepted, s.power.restart)
}

// Instance returns the instance of the machine of that name, or says why there is none to connect to. One that only has
// the machine's name is somebody else's.
func (s *Storage) Instance(ctx context.Context, name string) (*kubevirtv1.VirtualMachineInstance, error) {
	_, vmi, err := s.power.get(ctx, name)
	if err != nil {
		return nil, err
	}
	if vmi == nil {
		return nil, conflict(name, "VMI is not started")
	}
	return vmi, nil
}

func (p *power) start(ctx context.Context, name string, options *kubevirtv1.StartOptions) error {
	vm, vmi, err := p.get(ctx, name)
	if err != nil {
		return err
	}
	if vmi != nil && !vmi.IsFinal() && vmi.Status.Phase != "" && vmi.Status.Phase != kubevirtv1.Unknown {
		return conflict(name, "VM is already running")
	}
	request := kubevirtv1.VirtualMachineStateChangeRequest{Action: kubevirtv1.StartRequest}
	if options.Paused {
		request.Data = map[string]string{kubevirtv1.StartRequestDataPaused: "true"}
	}
	dryRun := action.IsDryRun(options.DryRun)
	switch strategy := vm.EffectiveRunStrategy(); strategy {
	case kubevirtv1.RunStrategyHalted:
		var requests []kubevirtv1.VirtualMachineStateChangeRequest
		if options.Paused {
			requests = append(requests, request)
		}
		return p.setStrategy(ctx, name, kubevirtv1.RunStrategyHalted, kubevirtv1.RunStrategyAlways, dryRun, requests...)
	case kubevirtv1.RunStrategyRerunOnFailure, kubevirtv1.RunStrategyManual:
		if vmi == nil || !vmi.IsFinal() {
			return p.request(ctx, vm, dryRun, request)
		}
		if strategy == kubevirtv1.RunStrategyRerunOnFailure && vmi.Status.Phase == kubevirtv1.Failed {
			return conflict(name, "RerunOnFailure does not support starting VM from failed state")
		}
		return p.request(ctx, vm, dryRun, stopRequest(vmi), request)
	default:
		return conflict(name, fmt.Sprintf("%s does not support manual start requests", strategy))
	}
}

func (p *power) stop(ctx context.Context, name string, options *kubevirtv1.StopOptions) error {
	if grace := options.GracePeriod; grace != nil && *grace < 0 {
		return apierrors.NewBadRequest("gracePeriod has to be greater or equal to 0")
	}
	vm, vmi, err := p.get(ctx, name)
	if err != nil {
		return err
	}
	live := vmi != nil && !vmi.IsFinal()
	shorter := live && options.GracePeriod != nil &&
		*options.GracePeriod < ptr.Deref(vmi.Spec.TerminationGracePeriodSeconds, kubevirtv1.DefaultTerminationGracePeriodSeconds)
	strategy := vm.EffectiveRunStrategy()
	switch {
	case !live && strategy != kubevirtv1.RunStrategyAlways && strategy != kubevirtv1.RunStrategyOnce:
		return conflict(name, "VM is not running")
	case strategy == kubevirtv1.RunStrategyHalted && !shorter:
		return conflict(name, "Halted only supports manual stop requests with a shorter graceperiod")
	}
	dryRun := action.IsDryRun(options.DryRun)
	if shorter {
		if err := p.shorten(ctx, vmi, *options.GracePeriod, dryRun); err != nil {
			return err
		}
	}
	switch strategy {
	case kubevirtv1.RunStrategyHalted:
		return nil
	case kubevirtv1.RunStrategyAlways, kubevirtv1.RunStrategyOnce:
		return p.setStrategy(ctx, name, strategy, kubevirtv1.RunStrategyHalted, dryRun)
	default:
		return p.request(ctx, vm, dryRun, stopRequest(vmi))
	}
}

func (p *power) restart(ctx context.Context, name string, options *kubevirtv1.RestartOptions) error {
	if grace := options.GracePeriodSeconds; grace != nil && *grace < 0 {
		return apierrors.NewBadRequest("gracePeriod has to be greater or equal to 0")
	}
	if grace := options.GracePeriodSeconds; grace != nil && *grace > 0 {
		return apierrors.NewBadRequest("For force restart, only gracePeriod=0 is supported for now")
	}
	vm, vmi, err := p.get(ctx, name)
	if err != nil {
		return err
	}
	switch strategy := vm.EffectiveRunStrategy(); strategy {
	case kubevirtv1.RunStrategyHalted, kubevirtv1.RunStrategyOnce:
		return conflict(name, fmt.Sprintf("RunStategy %s does not support manual restart requests", strategy))
	}
	if vmi == nil {
		return conflict(name, "VM is not running: Halted")
	}
	dryRun := action.IsDryRun(options.DryRun)
	if options.GracePeriodSeconds != nil && !vmi.IsFinal() {
		if err := p.shorten(ctx, vmi, 0, dryRun); err != nil {
			return err
		}
	}
	return p.request(ctx, vm, dryRun, stopRequest(vmi), kubevirtv1.VirtualMachineStateChangeRequest{Action: kubevirtv1.StartRequest})
}

// get returns the machine, and its instance or nil. One of its name that it does not control is not its own.
func (p *power) get(ctx context.Context, name string) (*kubevirtv1.VirtualMachine, *kubevirtv1.VirtualMachineInstance, error) {
	machine, err := p.machines.Get(ctx, name, &metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil, apierrors.NewNotFound(singular, name)
	}
	if err != nil {
		return nil, nil, err
	}
	vm := machine.(*kubevirtv1.VirtualMachine)
	instance, err := p.instances.Get(ctx, name, &metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return vm, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	vmi := instance.(*kubevirtv1.VirtualMachineInstance)
	if !metav1.IsControlledBy(vmi, vm) {
		return vm, nil, nil
	}
	return vm, vmi, nil
}

// setStrategy changes what the user wrote, in the form in which they wrote it, if it still is what was seen,
// and leaves requests for the controller that belong to the change.
func (p *power) setStrategy(ctx context.Context, name string, from, to kubevirtv1.VirtualMachineRunStrategy, dryRun bool,
	requests ...kubevirtv1.VirtualMachineStateChangeRequest) error {
	return update(ctx, p.machines, name, dryRun, func(vm *kubevirtv1.VirtualMachine) error {
		if vm.EffectiveRunStrategy() != from {
			return conflict(name, "the run strategy was changed by somebody else; look at it and try again")
		}
		if len(requests) > 0 {
			vm.Status.StateChangeRequests = requests
		}
		if vm.Spec.Running != nil {
			vm.Spec.Running = ptr.To(to == kubevirtv1.RunStrategyAlways)
			return nil
		}
		vm.Spec.RunStrategy = &to
		return nil
	})
}

// request leaves requests for the controller, unless some are pending already.
func (p *power) request(ctx context.Context, vm *kubevirtv1.VirtualMachine, dryRun bool, requests ...kubevirtv1.VirtualMachineStateChangeRequest) error {
	return update(ctx, p.status, vm.Name, dryRun, func(vm *kubevirtv1.VirtualMachine) error {
		if len(vm.Status.StateChangeRequests) > 0 {
			return conflict(vm.Name, "unable to complete request: stop/start already underway")
		}
		vm.Status.StateChangeRequests = requests
		return nil
	})
}

// shorten gives the instance a shorter grace period, unless another has taken its place.
func (p *power) shorten(ctx context.Context, seen *kubevirtv1.VirtualMachineInstance, seconds int64, dryRun bool) error {
	err := update(ctx, p.instances, seen.Name, dryRun, func(vmi *kubevirtv1.VirtualMachineInstance) error {
		if vmi.UID == seen.UID && seconds < ptr.Deref(vmi.Spec.TerminationGracePeriodSeconds, kubevirtv1.DefaultTerminationGracePeriodSeconds) {
			vmi.Spec.TerminationGracePeriodSeconds = &seconds
		}
		return nil
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// update changes the stored object by change. The store calls change again when somebody else was faster.
func update[T runtime.Object](ctx context.Context, store rest.Updater, name string, dryRun bool, change func(T) error) error {
	info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		changed := old.DeepCopyObject()
		return changed, change(changed.(T))
	})
	options := &metav1.UpdateOptions{}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, _, err := store.Update(ctx, name, info, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, options)
	return err
}

func stopRequest(vmi *kubevirtv1.VirtualMachineInstance) kubevirtv1.VirtualMachineStateChangeRequest {
	return kubevirtv1.VirtualMachineStateChangeRequest{Action: kubevirtv1.StopRequest, UID: ptr.To(vmi.UID)}
}

func conflict(name, text string) error {
	return apierrors.NewConflict(singular, name, errors.New(text))
}
