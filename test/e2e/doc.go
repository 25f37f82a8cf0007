// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the product as its users have it: programs that were built, on a real libvirt and QEMU,
// reached with plain kubectl, kubectl-virt and client-go.
//
// Most tests share one server, each in a namespace of its own. Tests that kill, starve or restart have a
// server of their own, and where they take libvirt away also a libvirt of their own, so that nothing else on
// the machine is harmed. Guests are of two kinds: a small Linux, and, where many are needed or all that counts
// is that there is one, the guest of package launchertest that boots within a second.
//
// What they run on is in package harness, which removes whatever they leave, however they end.
//
// Run them as root with -count=1: Go does not see that the programs under test have changed, and would repeat
// an old result.
package e2e
