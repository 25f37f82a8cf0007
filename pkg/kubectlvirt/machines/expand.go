// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Expand returns a machine that is stored, as its instances are made from it, in JSON.
func (c *Client) Expand(ctx context.Context, name string) ([]byte, error) {
	const action = "expand-spec"
	result := c.clientset.KubevirtV1().RESTClient().Get().AbsPath(c.path(VirtualMachines, name, action)).Do(ctx)
	switch err := result.Error(); {
	case err == nil:
		return result.Raw()
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return nil, c.explainForbidden(VirtualMachines, name, action, "get", err)
	case isMissing(err):
		return nil, c.NotFound(name)
	case !apierrors.IsInternalError(err):
		return nil, c.explain(err)
	default:
		return nil, c.explainExpansion(ctx, name, err)
	}
}

// explainExpansion tells a machine that is not there from one that can't be expanded: the server does not.
func (c *Client) explainExpansion(ctx context.Context, name string, err error) error {
	if _, missing := c.clientset.KubevirtV1().VirtualMachines(c.Namespace).Get(ctx, name, metav1.GetOptions{}); isMissing(missing) {
		return c.NotFound(name)
	}
	return errors.New(plainText(err))
}

// ExpandManifest does the same with a machine, in JSON, that need not be stored.
func (c *Client) ExpandManifest(ctx context.Context, machine []byte) ([]byte, error) {
	path := fmt.Sprintf("%s/namespaces/%s/expand-vm-spec", actions, url.PathEscape(c.Namespace))
	result := c.clientset.KubevirtV1().RESTClient().Put().AbsPath(path).
		SetHeader("Content-Type", "application/json").Body(machine).Do(ctx)
	if err := result.Error(); err != nil {
		return nil, c.explain(err)
	}
	return result.Raw()
}
