// SPDX-License-Identifier: Apache-2.0

// Package roles says what users of a cluster may do with each resource and each action that is served: one
// table, from which the manifest of the ClusterRoles is written. The roles have KubeVirt's and CDI's names and
// allow what theirs allow. What is served and not in the table fails a test of package apiserver.
package roles
