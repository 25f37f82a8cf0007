// SPDX-License-Identifier: Apache-2.0

// Package inflate decompresses deflate data (RFC 1951) from memory to memory
// where the length of the result is known. That is what the clusters of
// compressed qcow2 images are, and most images for clouds are made of them:
// with nothing to suspend and resume it takes about half the time of a
// decompressor for streams. For streams there are libraries.
package inflate
