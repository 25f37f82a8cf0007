// SPDX-License-Identifier: Apache-2.0

// Package validation decides which objects of clone.kubevirt.io may be written. It looks at the object alone:
// whether there is such a machine, what would become of it, and what the caller may refer to, is the registry's
// to ask.
package validation
