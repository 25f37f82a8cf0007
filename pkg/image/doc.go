// SPDX-License-Identifier: Apache-2.0

// Package image fills volumes: from an image behind a URL, from any stream, or
// with nothing. The image is read once and written straight to its place, as
// the raw content of the guest's disk; there is no scratch copy and no other
// program.
//
//	source bytes → checksum → decompress → raw or qcow2 → sparse file
//
// The steps are packages of their own: httpsource, probe, qcow2, sparse.
// Package importer runs all of it in a process of its own. Creating, opening
// and deleting the file, and trying again, are the caller's.
package image
