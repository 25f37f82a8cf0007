// SPDX-License-Identifier: Apache-2.0

// Package statedir keeps what a launcher must find again after a crash: for each instance a directory with
// a record of its life and with the files that live as long as the instance (seeds, empty disks, firmware
// variables, the console's log). All names are made here. It knows nothing of libvirt.
package statedir
