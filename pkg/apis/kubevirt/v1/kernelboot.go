// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"unicode"

	"k8s.io/utils/ptr"
)

// MaxKernelArgs is the length in bytes of the longest command line that Linux on amd64 takes; it would cut a longer one.
const MaxKernelArgs = 2047

// IsKernelArg says whether r may be in a kernel's command line, in which lines of YAML may have ended.
func IsKernelArg(r rune) bool { return unicode.IsPrint(r) || r == '\n' || r == '\t' }

// KernelContainer is the image that the guest's kernel is in; nil where its firmware looks for one.
func (f *Firmware) KernelContainer() *KernelBootContainer {
	if f == nil || f.KernelBoot == nil {
		return nil
	}
	return f.KernelBoot.Container
}

// SecretNames returns the names of the Secrets that the guest can't be started without.
func (f *Firmware) SecretNames() []string {
	if container := f.KernelContainer(); container != nil && ptr.Deref(container.ImagePullSecret, "") != "" {
		return []string{ptr.Deref(container.ImagePullSecret, "")}
	}
	return nil
}

// Paths of the files in the image: the kernel, and the initrd where there is one.
func (c *KernelBootContainer) Paths() []string {
	if ptr.Deref(c.InitrdPath, "") == "" {
		return []string{ptr.Deref(c.KernelPath, "")}
	}
	return []string{ptr.Deref(c.KernelPath, ""), ptr.Deref(c.InitrdPath, "")}
}
