// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// ExplainConsole says of a console that was refused whether it may open if one waits, and why it is shut.
func (c *Client) ExplainConsole(ctx context.Context, name string, err error) (wait bool, why error) {
	switch {
	case apierrors.IsBadRequest(err), apierrors.IsServiceUnavailable(err), apierrors.IsTooManyRequests(err):
		// Servers answer 400 while the guest does not run.
		return true, err
	case isMissing(err):
		return c.explainAbsence(ctx, name)
	case apierrors.IsConflict(err):
		return false, &Hinted{err, []string{
			"See why: " + c.Command("describe vmi %s", name),
			"Start it anew: " + c.Command("virt restart %s", name),
		}}
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return false, c.explainForbidden(Instances, name, "console", "get", err)
	default:
		return false, c.explain(err)
	}
}

// explainAbsence looks at the machine whose instance is not there.
func (c *Client) explainAbsence(ctx context.Context, name string) (wait bool, why error) {
	vm, err := c.clientset.KubevirtV1().VirtualMachines(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, c.NotFound(name)
	}
	if err != nil {
		return false, c.explain(err)
	}
	if isStopped(vm) {
		return false, &Hinted{fmt.Errorf("virtual machine %q is stopped", name), []string{"Start it: " + c.Command("virt start %s", name)}}
	}
	return true, fmt.Errorf("virtual machine %q is %s", name, vm.Status.PrintableStatus)
}

// isStopped is true for a machine that no instance will come of, unless somebody starts it.
func isStopped(vm *kubevirtv1.VirtualMachine) bool {
	strategy := ptr.Deref(vm.Spec.RunStrategy, kubevirtv1.RunStrategyHalted)
	if ptr.Deref(vm.Spec.Running, false) {
		strategy = kubevirtv1.RunStrategyAlways
	}
	switch strategy {
	case kubevirtv1.RunStrategyAlways:
		return false
	case kubevirtv1.RunStrategyHalted:
		return len(vm.Status.StateChangeRequests) == 0
	default:
		return vm.Status.PrintableStatus == kubevirtv1.VirtualMachineStatusStopped && len(vm.Status.StateChangeRequests) == 0
	}
}
