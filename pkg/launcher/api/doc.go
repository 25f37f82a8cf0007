// SPDX-License-Identifier: Apache-2.0

// Package api is the contract between a node's agent and its launcher: the bodies that cross the
// launcher's unix socket, and a client for it. It is pure Go, so that only the launcher needs libvirt.
//
// The launcher knows nothing of Kubernetes' API: what a domain needs (the paths of its disks, the
// contents of its seeds) comes with the request that starts it.
//
// It speaks HTTP with JSON. An answer that is no success has an Error as its body.
//
//	GET    /v1/health                               Health
//	GET    /v1/domains                              []DomainStatus
//	GET    /v1/domains?watch=true                   an Event on each line, empty lines as heartbeats
//	PUT    /v1/domains/{namespace}/{name}           StartRequest, answered by a DomainStatus
//	DELETE /v1/domains/{namespace}/{name}?uid=      ends it at once and removes all there is of it
//	POST   /v1/domains/{namespace}/{name}/shutdown  ShutdownRequest
//	POST   /v1/domains/{namespace}/{name}/{action}?uid=  a call, as API servers make them; see Actions
//	GET    /v1/domains/{namespace}/{name}/console   Upgrade: virt-launcher-stream; also vnc
package api
