// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.virt-apiserver.apiextensions.v1
// +groupName=apiextensions.k8s.io

// Package apiextensions holds the one kind of apiextensions.k8s.io that standalone shows: an empty,
// read-only list of CustomResourceDefinitions. Widely used clients (Terraform, k9s) list them and fail
// where the list cannot be discovered. There are never any.
package apiextensions
