// SPDX-License-Identifier: Apache-2.0

// Package infer finds out which instance type and which preference the volumes of a machine name in their labels. It
// is done once, when a machine is written, with the rights of who writes it; the answer is kept in the machine's status.
package infer
