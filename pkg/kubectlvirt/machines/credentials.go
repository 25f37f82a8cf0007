// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// operation is one of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// Machine returns the machine of a name.
func (c *Client) Machine(ctx context.Context, name string) (*kubevirtv1.VirtualMachine, error) {
	vm, err := c.clientset.KubevirtV1().VirtualMachines(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, c.explainMachine(name, "get", err)
	}
	return vm, nil
}

// HasInstance says whether the machine of a name has an instance.
func (c *Client) HasInstance(ctx context.Context, name string) (bool, error) {
	_, err := c.clientset.KubevirtV1().VirtualMachineInstances(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		return true, nil
	case isMissing(err):
		return false, nil
	default:
		return false, c.explain(err)
	}
}

// CreateCredential makes a Secret and has vm's template name it, as credential says. Where the server refuses the
// machine, no Secret is left behind. It returns the Secret's name.
func (c *Client) CreateCredential(ctx context.Context, vm *kubevirtv1.VirtualMachine, secret *corev1.Secret,
	credential func(secret string) *kubevirtv1.AccessCredential) (string, error) {
	created, err := c.createSecret(ctx, secret)
	if err != nil {
		return "", err
	}
	err = c.addCredential(ctx, vm, credential(created.Name))
	if err == nil {
		return created.Name, nil
	}
	explained := c.explainMachine(vm.Name, "patch", err)
	if isRefusal(err) && c.deleteSecret(ctx, created) == nil {
		return "", explained
	}
	return "", &Hinted{explained, []string{
		"Does the machine name the new Secret? " + c.Command("get vm %s -o jsonpath={.spec.template.spec.accessCredentials}", vm.Name),
		"If it does not: " + c.Command("delete secret %s", created.Name),
	}}
}

// addCredential adds one to those of vm's template, and to those that others add meanwhile. A machine that has taken
// the place of vm is left alone.
func (c *Client) addCredential(ctx context.Context, vm *kubevirtv1.VirtualMachine, credential *kubevirtv1.AccessCredential) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		current, err := c.clientset.KubevirtV1().VirtualMachines(c.Namespace).Get(ctx, vm.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if current.UID != vm.UID || current.Spec.Template == nil {
			return apierrors.NewNotFound(kubevirtv1.Resource(VirtualMachines), vm.Name)
		}
		kind, patch := credentialPatch(current, credential)
		body, err := json.Marshal(patch)
		if err != nil {
			return err
		}
		_, err = c.clientset.KubevirtV1().VirtualMachines(c.Namespace).Patch(ctx, vm.Name, kind, body, metav1.PatchOptions{})
		return err
	})
}

// credentialPatch adds to a list as it is stored, or makes one. With the version that was read it is in conflict with
// whatever comes between.
func credentialPatch(vm *kubevirtv1.VirtualMachine, credential *kubevirtv1.AccessCredential) (types.PatchType, any) {
	if len(vm.Spec.Template.Spec.AccessCredentials) > 0 {
		return types.JSONPatchType, []operation{
			{"replace", "/metadata/resourceVersion", vm.ResourceVersion},
			{"add", "/spec/template/spec/accessCredentials/-", credential},
		}
	}
	list := map[string]any{"accessCredentials": []any{credential}}
	return types.MergePatchType, map[string]any{
		"metadata": map[string]any{"resourceVersion": vm.ResourceVersion},
		"spec":     map[string]any{"template": map[string]any{"spec": list}},
	}
}

// isRefusal is true where the server's answer says that it changed nothing, and false where that is not known.
func isRefusal(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	code := status.Status().Code
	return code >= http.StatusBadRequest && code < http.StatusInternalServerError && code != http.StatusRequestTimeout
}

// explainMachine adds to a request for a machine that failed what would help.
func (c *Client) explainMachine(name, verb string, err error) error {
	switch {
	case isMissing(err):
		return c.NotFound(name)
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return &Hinted{err, []string{
			"You may ask: " + c.Command("auth can-i %s virtualmachines.kubevirt.io/%s", verb, name),
		}}
	default:
		return c.explain(err)
	}
}
