// SPDX-License-Identifier: Apache-2.0

// Package node is the agent of a node: it makes the domains of its launcher follow the
// VirtualMachineInstances that are bound to the node, and writes what became of them into their status.
//
// Agent takes an instance over when it is Scheduled with the node's name, and gives it back with a final
// phase, or with the finalizer gone. An instance without a node, or with a final phase, is the instance
// controller's. What the agent knows comes from two watches, of the instances of its node and of the
// launcher's domains; it keeps nothing of its own, so that it can end and start again at any moment.
//
// It acts on what it knows, never on a silence: while the launcher or libvirt does not answer, guests and
// statuses stay as they are. Only a launcher that lists its domains, on a libvirt that answers, says that
// a domain is gone; only a server that denies the very object says so of an instance.
//
// How a domain is made is package launcher's; which node gets an instance is package workload's and the
// instance controller's; package supervisor keeps the launcher running, and package streams carries
// consoles.
package node
