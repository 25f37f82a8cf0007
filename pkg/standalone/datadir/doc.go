// SPDX-License-Identifier: Apache-2.0

// Package datadir makes the directory that holds everything of a standalone server, or takes one that is there,
// and refuses one into which somebody else may have put a certificate authority, a database or a link. Who owns a
// file is known by its UID alone.
package datadir
