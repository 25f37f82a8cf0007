// SPDX-License-Identifier: Apache-2.0

// Package harness runs the product as its users have it, for tests: programs that were built, on a real libvirt and
// QEMU, with images of guests to import. What is tested, and with which clients, is each suite's own business.
//
// Whatever a suite leaves is removed by a reaper, however the suite ends. The packages that use it lie two folders
// below the top of the repository, from which the programs are built.
package harness
