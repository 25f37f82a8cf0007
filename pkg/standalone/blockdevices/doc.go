// SPDX-License-Identifier: Apache-2.0

// Package blockdevices gives guests the block devices of this machine that its administrator offers by name.
//
// The administrator's path is resolved once, when the server starts. From then on a device is its number, and the
// kernel's sequence number of the disk: each has a node of our own, in one directory, which QEMU opens. So a link in
// /dev/disk or a name such as sdb may lead elsewhere meanwhile, and QEMU's user is given access to nothing in /dev.
// All guests open the same node, on which QEMU keeps its locks. Nothing is ever written to a device here, and who may
// have which is package volumes'.
package blockdevices
