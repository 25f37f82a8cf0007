// SPDX-License-Identifier: Apache-2.0

// Package power holds the verbs start, stop and restart of the kubectl plugin.
package power
