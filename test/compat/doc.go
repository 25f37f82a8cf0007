// SPDX-License-Identifier: Apache-2.0

// Package compat tests that KubeVirt's clients work unmodified: virtctl, as it was released, drives a server and
// its guests, and SDKs are made for it.
//
// Each command of virtctl is an entry of a table (see groups) that says whether it works. One that is said to work
// has to, with the exit codes and texts that its users know, and one that is said not to must fail, so that the
// table can't go stale. Package coverage does the same for the fields of KubeVirt's types.
//
// The page docs/reference/compatibility.md is written from both: run "make compatibility".
package compat
