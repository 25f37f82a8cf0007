// SPDX-License-Identifier: Apache-2.0

// Package qcow2 decodes qcow2 images, versions 2 and 3, from a stream that is
// read once, and writes each cluster straight to its place on the guest's disk.
//
// The decoder keeps a queue of what it knows to lie ahead in the file, ordered
// by place: tables first, then the clusters that the tables name. Bytes that
// pass while a table is still to come may turn out to be mapped by it; they are
// set aside in a spool, which in images written front to back stays empty but
// for slack. Nothing else of the image format is here: no writing, no backing
// or data files, no encryption, no snapshots but the active state.
//
// Every number that an image states is bounded before it is used.
package qcow2
