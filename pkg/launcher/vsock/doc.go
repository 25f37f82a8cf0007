// SPDX-License-Identifier: Apache-2.0

// Package vsock connects to ports of guests over AF_VSOCK, for which neither needs a network. Which address a guest
// has is not known here.
package vsock
