// SPDX-License-Identifier: Apache-2.0

// Package diskspace keeps file systems from being filled to the last byte by what can wait: images that are imported
// or pulled, copies and new disks. Guests write to the same file systems, and so does the server's database.
//
// There is one floor for all of these, which depends on the file system only. A writer asks before it begins and while
// it writes.
package diskspace
