// SPDX-License-Identifier: Apache-2.0

// Package containerdisks keeps the disks, and other files, of container images on this machine, each once
// however many instances use it, by the digest of the image.
//
// An entry is a directory with disk.img, the raw disk or the file as it is, and meta.json, which says of what
// image it is and who has shown that they may have it. It is there as a whole or not at all. A launcher that
// uses one gives the file another name of its own, so an entry can be removed at any time: what is in use is
// seen from the number of names. Reading images is not here: a process of package importer does it.
package containerdisks
