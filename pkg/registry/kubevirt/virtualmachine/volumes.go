// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/action"
	"github.com/virt-apiserver/virt-apiserver/pkg/registry/kubevirt/hotplug"
)

// AddVolume returns the storage of the addvolume subresource, for a parent of the given kind. The volume
// becomes the template's; the controller has a running guest take it. The caller needs the right to what
// the volume refers to, as one who edits the template does.
func (s *Storage) AddVolume(kind runtime.Object) rest.Storage {
	return action.NewPut(kind, http.StatusAccepted, func(ctx context.Context, name string, options *kubevirtv1.AddVolumeOptions) error {
		if err := hotplug.CheckAdd(kubevirtv1.SchemeGroupVersion.WithKind("VirtualMachine").GroupKind(), name, options); err != nil {
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
			_, err := hotplug.Remove(spec, options)
			return err
		})
	})
}

func (s *Storage) changeVolumes(ctx context.Context, name string, dryRun []string, change func(*kubevirtv1.VirtualMachineInstanceSpec) error) error {
	// An update of what is not there would complain of something else.
	if _, err := s.Machine.Get(ctx, name, &metav1.GetOptions{}); apierrors.IsNotFound(err) {
		return apierrors.NewNotFound(singular, name)
	} else if err != nil {
		return err
	}
	return update(ctx, s.Machine, name, action.IsDryRun(dryRun), func(vm *kubevirtv1.VirtualMachine) error {
		if err := change(&vm.Spec.Template.Spec); err != nil {
			return conflict(name, err.Error())
		}
		return nil
	})
}
