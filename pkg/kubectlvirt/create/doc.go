// SPDX-License-Identifier: Apache-2.0

// Package create holds the verb create vm of the kubectl plugin, which prints the manifest of a machine. No server
// is asked.
package create
