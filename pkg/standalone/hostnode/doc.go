// SPDX-License-Identifier: Apache-2.0

// Package hostnode reports the host of a standalone server as a Node, as kubelet reports that of a cluster: what
// it has, what of it guests may use, and how it is. Nothing is made up: what the host does not tell is left out.
package hostnode
