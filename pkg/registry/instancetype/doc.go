// SPDX-License-Identifier: Apache-2.0

// Package instancetype stores instance types and preferences, of namespaces and of the cluster. What becomes of
// machines that refer to them is in pkg/apis/instancetype/expand.
package instancetype
