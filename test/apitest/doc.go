// SPDX-License-Identifier: Apache-2.0

// Package apitest tests what a client expects of a Kubernetes API, of each kind that the product stores: verbs,
// patches, tables, discovery, OpenAPI, ownership, namespaces. It is one test for both homes of the API: behind a
// kube-apiserver (test/cluster) and on its own (test/e2e), which are all the same to a client.
//
// What is true in one home alone is tested there.
package apitest
