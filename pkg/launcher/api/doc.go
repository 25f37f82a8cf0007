// SPDX-License-Identifier: Apache-2.0

// Package api is the contract between a node's agent and its launcher: the bodies that cross the
// launcher's unix socket, and a client for it. It is pure Go, so that only the launcher needs libvirt.
//
// The launcher knows nothing of Kubernetes' API: what a domain needs (the paths of its disks, the
// contents of its seeds) comes with the request that starts it.
package api
