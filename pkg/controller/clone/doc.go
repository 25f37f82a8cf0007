// SPDX-License-Identifier: Apache-2.0

// Package clone is the control loop of VirtualMachineClones: each makes one machine from another and waits until
// the disks are copied.
//
// The source is copied while it does not run; a clone of one that runs waits. The disks are DataVolumes of the
// new machine, which package datavolume fills, and which keeps guests from a disk that is being copied. Where the
// source was started between the copies of two of its disks, the clone fails: they would be of different times.
//
// As upstream's, a clone is deleted with the machine that it made. What a clone is made of is in
// pkg/apis/clone/target; that its maker may have it made is decided when it is written.
package clone
