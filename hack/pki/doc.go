// SPDX-License-Identifier: Apache-2.0

// Command pki writes the authorities, certificates and keys of a test cluster
// into a directory. It knows who talks to whom there; nothing of the product
// uses it, and what it writes is never renewed.
package main
