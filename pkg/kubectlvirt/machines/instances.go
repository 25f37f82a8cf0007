// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

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
