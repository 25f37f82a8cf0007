// SPDX-License-Identifier: Apache-2.0

// Package create holds the verb create of the kubectl plugin, which prints manifests of machines, instance types,
// preferences and clones: for the same flags, those that virtctl prints. No server is asked.
package create
