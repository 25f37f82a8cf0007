// SPDX-License-Identifier: Apache-2.0

// Package probe asks guests again and again whether they are alive and ready, as their specs say, and keeps
// the verdicts in memory. What follows from a verdict is package node's affair; how a guest is reached is
// the Guest's.
//
// Only an answer of the guest, or its silence, counts. Where it could not be asked, because the launcher is
// being replaced, libvirt is away or the guest is paused, nothing is learnt: no guest is ended for that.
package probe
