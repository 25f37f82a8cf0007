// SPDX-License-Identifier: Apache-2.0

// Package probe tells from its first bytes what a stream is. It only names
// things; reading them is the work of qcow2, sparse and the image package.
package probe
