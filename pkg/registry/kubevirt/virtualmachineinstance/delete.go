// SPDX-License-Identifier: Apache-2.0

package virtualmachineinstance

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Delete implements rest.GracefulDeleter. Clients wait until the instance is gone, and its guest may take its time:
// they are told how to end it.
func (r *REST) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	obj, gone, err := r.Store.Delete(ctx, name, validate, options)
	if vmi, ok := obj.(*kubevirtv1.VirtualMachineInstance); ok && err == nil && !gone {
		if text := vmi.LongGrace(); text != "" {
			warning.AddWarning(ctx, "", fmt.Sprintf(
				`%s; to end it at once: kubectl patch vmi %s --namespace %s --type merge -p '{"spec":{"terminationGracePeriodSeconds":0}}'`,
				text, name, vmi.Namespace))
		}
	}
	return obj, gone, err
}
