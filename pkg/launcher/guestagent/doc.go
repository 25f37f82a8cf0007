// SPDX-License-Identifier: Apache-2.0

// Package guestagent speaks with the QEMU guest agent: it makes the commands, and turns the answers into
// types. Guests are not trusted: an answer has a most in bytes, a list in items, a text in characters, a
// wait in time, and whatever does not fit the type is an error.
//
// How commands reach a guest is the Executor's; when they are sent is package launcher's.
package guestagent
