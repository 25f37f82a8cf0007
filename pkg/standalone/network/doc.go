// SPDX-License-Identifier: Apache-2.0

// Package network is the guest network of a server on its own: a bridge with an address range of its own, on
// which guests get addresses that they keep, find one another by name, and reach what the host reaches.
//
// It puts together what the folders below it do, and is node.Network to the agent: leases remember addresses,
// link makes devices, filter decides what passes, dhcp and dns talk to guests. All that is in the kernel (bridge,
// taps, rules) outlives the process, so that a guest notices nothing of its end; names of devices and rules are
// derived from the data directory, so that several servers can run on one machine.
//
// Where the rights or the devices for this are missing, Open returns an Unavailable, and Missing takes the network's
// place: guests wait, and say why. UserMode is for those who ask for it: each guest is alone on a network of QEMU's.
package network
