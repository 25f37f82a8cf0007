// SPDX-License-Identifier: Apache-2.0

// Package validation decides which objects of cdi.kubevirt.io may be written. It looks at the object alone:
// whether a claim of that name exists already, and what the caller may refer to, is the registry's to ask.
//
// Messages begin with upstream's words, where scripts may look for them, and end with the remedy.
package validation
