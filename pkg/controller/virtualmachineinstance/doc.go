// SPDX-License-Identifier: Apache-2.0

// Package virtualmachineinstance is the control plane's half of the life of VirtualMachineInstances: it
// waits until all that an instance needs is there, finds it a node, and hands it to that node's agent with
// one write. It lets go of instances that never had a node, or that have ended. In between, an instance is
// its node's: see package node.
//
// What an instance waits for is decided in inspect, from an observation; Controller observes, asks the
// launchers and writes.
package virtualmachineinstance
