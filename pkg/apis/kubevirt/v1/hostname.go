// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"strings"

	"k8s.io/utils/ptr"
)

// maxHostname is what a Linux guest takes.
const maxHostname = 63

// Hostname is the guest's name: as upstream, the one asked for, or the first label of the instance's name.
func (vmi *VirtualMachineInstance) Hostname() string {
	if ptr.Deref(vmi.Spec.Hostname, "") != "" {
		return ptr.Deref(vmi.Spec.Hostname, "")
	}
	label, _, _ := strings.Cut(vmi.Name, ".")
	if len(label) > maxHostname {
		label = label[:maxHostname]
	}
	return strings.TrimRight(label, "-")
}
