// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// Hinted is an error with what to do about it.
type Hinted struct {
	Err error
	// Hints are commands, or sentences, one a line.
	Hints []string
}

func (h *Hinted) Error() string {
	return h.Err.Error() + "\n  " + strings.Join(h.Hints, "\n  ")
}

func (h *Hinted) Unwrap() error { return h.Err }

// Command is a kubectl command line for a hint, in the namespace that the user asked for.
func (c *Client) Command(format string, args ...any) string {
	command := "kubectl " + fmt.Sprintf(format, args...)
	if c.explicit {
		command += " -n " + c.Namespace
	}
	return command
}

// explainAction adds to a refused action what would help.
func (c *Client) explainAction(name, action string, err error) error {
	switch {
	case isMissing(err):
		return c.NotFound(name)
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return c.explainForbidden(VirtualMachines, name, action, "update", err)
	case apierrors.IsConflict(err) && strings.Contains(err.Error(), "already running"):
		return &Hinted{err, []string{"Its console: " + c.Command("virt console %s", name), "Start it anew: " + c.Command("virt restart %s", name)}}
	case apierrors.IsConflict(err):
		return &Hinted{err, []string{c.hintFor(name, err)}}
	default:
		return c.explain(err)
	}
}

// hintFor names the command that brings the guest into a state that allows what was refused.
func (c *Client) hintFor(name string, err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "not running"), strings.Contains(text, "non-running"), strings.Contains(text, "not started"):
		return "Start it: " + c.Command("virt start %s", name)
	case strings.Contains(text, "already paused"), strings.Contains(text, "is paused"):
		return "Let it run on: " + c.Command("virt unpause vm %s", name)
	case strings.Contains(text, "not paused"):
		return "It runs; its console: " + c.Command("virt console %s", name)
	case strings.Contains(text, "guest agent"):
		return "Install and start qemu-guest-agent in the guest: " + c.Command("virt console %s", name)
	default:
		return "See how it is doing: " + c.Command("get vm %s -o yaml", name)
	}
}

// explainForbidden names the question that tells whether an action is allowed.
func (c *Client) explainForbidden(resource, name, action, verb string, err error) error {
	return &Hinted{err, []string{
		"You may ask: " + c.Command("auth can-i %s %s.subresources.kubevirt.io/%s --subresource=%s", verb, resource, name, action),
	}}
}

// NotFound says that there is no such machine.
func (c *Client) NotFound(name string) error {
	return &Hinted{
		fmt.Errorf("there is no virtual machine %q in namespace %q", name, c.Namespace),
		[]string{"Those that are there: " + c.Command("get vms"), "In every namespace: kubectl get vms -A"},
	}
}

// explain adds to any failure what would help.
func (c *Client) explain(err error) error {
	switch {
	case utilnet.IsConnectionRefused(err):
		return &Hinted{fmt.Errorf("nothing listens at %s: %w", c.config.Host, err), []string{
			"Is the server running, and is this the right one? kubectl config view --minify",
		}}
	case isUnserved(err):
		return &Hinted{fmt.Errorf("the server at %s does not serve virtual machines", c.config.Host), []string{
			"Is it installed there? kubectl api-versions | grep kubevirt",
		}}
	default:
		return err
	}
}

// isMissing is true where the server knows the action, and the object is not there.
func isMissing(err error) bool {
	return apierrors.IsNotFound(err) && !isUnserved(err)
}

// isUnserved is true where the server does not know the path.
func isUnserved(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
