// SPDX-License-Identifier: Apache-2.0

// Package importer runs package image in a process of its own, away from the
// secrets and the memory of whoever wants a volume filled. Both ends are here:
// Process starts the program and follows it, Serve is what the program does.
//
// The protocol: the first line on stdin is a Spec in JSON; stdin then stays
// open for as long as the result is wanted. File descriptor 3 is the volume, 4 a
// container image that is on disk.
// Each line on stdout is a Message in JSON, the last one with the outcome.
// Stderr is for logs. The exit code is 0 if the volume is filled, else 1.
package importer
