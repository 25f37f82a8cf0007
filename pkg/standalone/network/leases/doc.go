// SPDX-License-Identifier: Apache-2.0

// Package leases gives each interface of each machine an address of the guest network, once, and keeps it for
// the machine's life in a file. Who asks for an address, and how a guest learns of its own, is not its affair.
package leases
