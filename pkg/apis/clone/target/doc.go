// SPDX-License-Identifier: Apache-2.0

// Package target says what a clone of a machine is: what it takes from its source, what it has of its own, and
// which disks are copied for it. The registry judges the result before a clone is accepted, the controller makes
// it; both ask here.
package target
