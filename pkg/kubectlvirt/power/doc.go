// SPDX-License-Identifier: Apache-2.0

// Package power holds the verbs of the kubectl plugin that a machine's buttons would have: start, stop,
// restart, pause, unpause, soft-reboot and reset.
package power
