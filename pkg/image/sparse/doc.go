// SPDX-License-Identifier: Apache-2.0

// Package sparse writes a disk's content to a regular file so that zeros take
// no space. It knows nothing of image formats.
package sparse
