// SPDX-License-Identifier: Apache-2.0

// Package patch does the operations of JSON Patch that a clone asks for. What they cost is bounded by their size and
// that of the document: an operation says little and can do much.
package patch
