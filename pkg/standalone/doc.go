// SPDX-License-Identifier: Apache-2.0

// Package standalone runs the product on a bare machine: one process with its own etcd, certificates, core
// resources and local volumes, the controllers and the node's agent.
//
// This package only puts the parts together; each part is a folder below it, or is what a cluster uses too.
package standalone
