// SPDX-License-Identifier: Apache-2.0

// Package volumes keeps the claims of the local storage class as sparse files on this machine: Store has the
// files, Controller binds claims to them, expands them and removes them with their claim.
//
// Each claim has a directory named by its UID, and in it disk.img. A disk that is being filled has another
// name until it is complete, so disk.img is always a whole disk. What fills it is not here: see packages
// workload and image.
//
// A claim of mode Block has a device of the machine instead, which it names: Controller sees to it that one claim at a
// time has it. What is on the device is nobody's affair here; package blockdevices knows the devices.
//
// The directories let others pass but not look (0711): QEMU runs as another user and is given the disk's
// path. The same must hold for each directory above the store.
package volumes
