// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.kubevirt.instancetype.v1beta1
// +groupName=instancetype.kubevirt.io

// Package v1beta1 holds the types of the API group instancetype.kubevirt.io, wire-compatible with KubeVirt 1.7:
// instance types, which give a machine its size, and preferences, which fill in what a machine leaves open.
//
// A type holds only fields that work. Validation lives in pkg/apis/instancetype/validation; what becomes of a
// machine that refers to them in pkg/apis/instancetype/expand.
package v1beta1
