// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/action"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/hotplug"
)

// AddVolume returns the storage of the addvolume subresource, for a parent of the given kind. Only an
// instance without a machine has it: what a machine's instance has, its template says.
func (s *Storage) AddVolume(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusAccepted, func(ctx context.Context, name string, options *kubevirtv1.AddVolumeOptions) error {
		if err := hotplug.CheckAdd(kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachineInstance").GroupKind(), name, options); err != nil {
			return err
		}
		return s.changeVolumes(ctx, name, options.DryRun, func(spec *kubevirtv1.VirtualMachineInstanceSpec) error {
			return hotplug.Add(spec, options)
		})
	})
}

// RemoveVolume returns the storage of the removevolume subresource, for a parent of the given kind.
func (s *Storage) RemoveVolume(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusAccepted, func(ctx context.Context, name string, options *kubevirtv1.RemoveVolumeOptions) error {
		if err := hotplug.CheckRemove(options); err != nil {
			return err
		}
		return s.changeVolumes(ctx, name, options.DryRun, func(spec *kubevirtv1.VirtualMachineInstanceSpec) error {
			return hotplug.Remove(spec, options)
		})
	})
}

func (s *Storage) changeVolumes(ctx context.Context, name string, dryRun []string, change func(*kubevirtv1.VirtualMachineInstanceSpec) error) error {
	if _, err := get(ctx, s.Instance, name); err != nil {
		return err
	}
	info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		vmi := old.DeepCopyObject().(*kubevirtv1.VirtualMachineInstance)
		if owner := metav1.GetControllerOf(vmi); owner != nil && owner.Kind == "VirtualMachine" {
			return nil, apierrors.NewBadRequest(fmt.Sprintf("VMI %s/%s is owned by a VM", vmi.Namespace, vmi.Name))
		}
		if !vmi.IsRunning() {
			return nil, apierrors.NewConflict(singular, name, errors.New("VMI is not running"))
		}
		if err := change(&vmi.Spec); err != nil {
			return nil, apierrors.NewConflict(singular, name, err)
		}
		return vmi, nil
	})
	options := &metav1.UpdateOptions{}
	if action.IsDryRun(dryRun) {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, _, err := s.Instance.Update(ctx, name, info, rest.ValidateAllObjectFunc, rest.ValidateAllObjectUpdateFunc, false, options)
	return err
}
