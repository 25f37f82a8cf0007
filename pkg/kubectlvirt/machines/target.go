// SPDX-License-Identifier: Apache-2.0

package machines

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/validation"
)

// The resources whose actions there are.
const (
	VirtualMachines = "virtualmachines"
	Instances       = "virtualmachineinstances"
)

// Target is a machine, or its instance, as a user names it.
type Target struct {
	// Resource is VirtualMachines or Instances.
	Resource string
	// Name is a valid name of an object: neither an option nor anything that a shell expands.
	Name string
	// Namespace is valid as well, or empty for that of the connection flags.
	Namespace string
}

// ParseTarget reads TYPE/NAME[/NAMESPACE], or a machine's NAME alone.
func ParseTarget(text string) (Target, error) {
	parts := strings.Split(text, "/")
	switch len(parts) {
	case 1:
		return NewTarget("vm", parts[0], "")
	case 2:
		return NewTarget(parts[0], parts[1], "")
	case 3:
		if parts[2] == "" {
			return Target{}, fmt.Errorf("%q ends without the namespace", text)
		}
		return NewTarget(parts[0], parts[1], parts[2])
	default:
		return Target{}, fmt.Errorf("%q must be TYPE/NAME or TYPE/NAME/NAMESPACE", text)
	}
}

// NewTarget returns the object of a kind, which is vm or vmi, or one of their longer names.
func NewTarget(kind, name, namespace string) (Target, error) {
	resource, err := resourceOf(kind)
	if err != nil {
		return Target{}, err
	}
	if problems := validation.NameIsDNSSubdomain(name, false); len(problems) > 0 {
		return Target{}, fmt.Errorf("%q is no name of a virtual machine: %s", name, problems[0])
	}
	if namespace != "" {
		if problems := validation.ValidateNamespaceName(namespace, false); len(problems) > 0 {
			return Target{}, fmt.Errorf("%q is no name of a namespace: %s", namespace, problems[0])
		}
	}
	return Target{resource, name, namespace}, nil
}

func resourceOf(kind string) (string, error) {
	switch strings.ToLower(kind) {
	case "vm", "vms", "virtualmachine", "virtualmachines":
		return VirtualMachines, nil
	case "vmi", "vmis", "virtualmachineinstance", "virtualmachineinstances":
		return Instances, nil
	default:
		return "", fmt.Errorf("the type must be vm or vmi, not %q", kind)
	}
}

// Kind is the short name of the target's type.
func (t Target) Kind() string {
	if t.Resource == Instances {
		return "vmi"
	}
	return "vm"
}

// In returns the client for the target's namespace.
func (c *Client) In(target Target) *Client {
	if target.Namespace == "" {
		return c
	}
	there := *c
	there.Namespace, there.explicit = target.Namespace, true
	return &there
}
