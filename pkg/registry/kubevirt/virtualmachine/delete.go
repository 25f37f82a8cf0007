// SPDX-License-Identifier: Apache-2.0

package virtualmachine

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Delete implements rest.GracefulDeleter. Clients wait until the machine is gone, and its guest may take its time:
// they are told how to end it.
func (r *REST) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	obj, gone, err := r.Store.Delete(ctx, name, validate, options)
	orphans := options != nil && ptr.Deref(options.PropagationPolicy, "") == metav1.DeletePropagationOrphan
	if err == nil && !gone && !orphans {
		r.warnOfGrace(ctx, obj, name)
	}
	return obj, gone, err
}

func (r *REST) warnOfGrace(ctx context.Context, obj runtime.Object, name string) {
	found, err := r.instances.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return
	}
	vmi := found.(*kubevirtv1.VirtualMachineInstance)
	vm, ok := obj.(*kubevirtv1.VirtualMachine)
	if !ok || !metav1.IsControlledBy(vmi, vm) {
		return
	}
	if text := vmi.LongGrace(); text != "" {
		warning.AddWarning(ctx, "", fmt.Sprintf("%s; to end it at once: kubectl virt stop %s --namespace %s --force",
			text, name, vmi.Namespace))
	}
}
