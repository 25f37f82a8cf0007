// SPDX-License-Identifier: Apache-2.0

package libvirt

import "net/url"

// IsSystem says whether the libvirt at the URI is root's, which can run each QEMU as another user. That of a user,
// such as one in a pod, runs all as that user, and is called session.
func IsSystem(uri string) bool {
	parsed, err := url.Parse(uri)
	return err == nil && parsed.Path == "/system"
}
