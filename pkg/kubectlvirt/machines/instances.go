// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// Pause stops the guest's processors.
func (c *Client) Pause(ctx context.Context, name string, options *kubevirtv1.PauseOptions) error {
	return c.actOnInstance(ctx, name, "pause", options)
}

// Unpause lets the guest's processors run again.
func (c *Client) Unpause(ctx context.Context, name string, options *kubevirtv1.UnpauseOptions) error {
	return c.actOnInstance(ctx, name, "unpause", options)
}

// SoftReboot asks the guest to reboot.
func (c *Client) SoftReboot(ctx context.Context, name string) error {
	return c.actOnInstance(ctx, name, "softreboot", nil)
}

// Reset presses the guest's reset button.
func (c *Client) Reset(ctx context.Context, name string) error {
	return c.actOnInstance(ctx, name, "reset", nil)
}

func (c *Client) actOnInstance(ctx context.Context, name, action string, options any) error {
	err := c.put(ctx, Instances, name, action, options)
	if err == nil {
		return nil
	}
	return c.explainInstance(ctx, name, action, "update", err)
}

// explainInstance adds to what an instance was refused what would help.
func (c *Client) explainInstance(ctx context.Context, name, action, verb string, err error) error {
	switch {
	case isMissing(err):
		_, why := c.explainAbsence(ctx, name)
		return why
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return c.explainForbidden(Instances, name, action, verb, err)
	case apierrors.IsConflict(err), apierrors.IsBadRequest(err):
		return &Hinted{err, []string{c.hintFor(name, err)}}
	default:
		return c.explain(err)
	}
}

// explainPlain is explainInstance for those actions whose every failure is a server error in plain text: what
// is wrong shows the instance itself.
func (c *Client) explainPlain(ctx context.Context, name, action string, err error) error {
	if !apierrors.IsInternalError(err) {
		return c.explainInstance(ctx, name, action, "get", err)
	}
	_, missing := c.clientset.KubevirtV1().VirtualMachineInstances(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	if isMissing(missing) {
		_, why := c.explainAbsence(ctx, name)
		return why
	}
	plain := errors.New(plainText(err))
	return &Hinted{plain, []string{c.hintFor(name, plain)}}
}

// plainText is what the server said where it did not say it as an API does.
func plainText(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return err.Error()
	}
	for _, cause := range status.Status().Details.Causes {
		if cause.Type == metav1.CauseTypeUnexpectedServerResponse {
			return cause.Message
		}
	}
	return err.Error()
}
