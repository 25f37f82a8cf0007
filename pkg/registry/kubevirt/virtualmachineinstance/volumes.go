// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/action"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/hotplug"
)

// AddVolume returns the storage of the addvolume subresource, for a parent of the given kind. What it adds to a
// machine's instance is not in the machine's template, and is gone with the instance.
func (s *Storage) AddVolume(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusAccepted, func(ctx context.Context, name string, options *kubevirtv1.AddVolumeOptions) error {
		if err := hotplug.CheckAdd(kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachineInstance").GroupKind(), name, options); err != nil {
			return err
		}
		return s.changeVolumes(ctx, name, options.DryRun, func(vmi *kubevirtv1.VirtualMachineInstance) error {
			vmi.SetAddedVolumes(append(vmi.AddedVolumes(), options.Name))
			return hotplug.Add(&vmi.Spec, options)
		})
	})
}

// RemoveVolume returns the storage of the removevolume subresource, for a parent of the given kind. Of a
// machine's instance it removes what AddVolume has added: what the machine's template has would come again.
func (s *Storage) RemoveVolume(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusAccepted, func(ctx context.Context, name string, options *kubevirtv1.RemoveVolumeOptions) error {
		if err := hotplug.CheckRemove(options); err != nil {
			return err
		}
		return s.changeVolumes(ctx, name, options.DryRun, func(vmi *kubevirtv1.VirtualMachineInstance) error {
			removed, err := hotplug.Remove(&vmi.Spec, options)
			if err != nil {
				return err
			}
			added := vmi.AddedVolumes()
			if owner := metav1.GetControllerOf(vmi); owner != nil && !slices.Contains(added, removed) {
				//lint:ignore ST1005 as its siblings
				return fmt.Errorf("Unable to remove volume [%s] because %s %s has it; remove it there (virtctl removevolume --persist)",
					removed, owner.Kind, owner.Name)
			}
			vmi.SetAddedVolumes(slices.DeleteFunc(added, func(name string) bool { return name == removed }))
			return nil
		})
	})
}

func (s *Storage) changeVolumes(ctx context.Context, name string, dryRun []string, change func(*kubevirtv1.VirtualMachineInstance) error) error {
	if _, err := get(ctx, s.Instance, name); err != nil {
		return err
	}
	info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		vmi := old.DeepCopyObject().(*kubevirtv1.VirtualMachineInstance)
		if !vmi.IsRunning() {
			return nil, apierrors.NewConflict(singular, name, errors.New("VMI is not running"))
		}
		if err := change(vmi); err != nil {
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
