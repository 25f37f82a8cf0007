// SPDX-License-Identifier: Apache-2.0

// Package expand says what becomes of a machine that refers to an instance type and a preference: which of its
// fields conflict with them, and what its instances are made from. Machines are never written to; what they refer
// to is kept in their status, so that a later change of it does not change them.
package expand
