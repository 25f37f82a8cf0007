// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.kubevirt.clone.v1beta1
// +groupName=clone.kubevirt.io

// Package v1beta1 holds the types of the API group clone.kubevirt.io, wire-compatible with KubeVirt 1.7: one
// machine is made from another, with copies of its disks.
//
// A type holds only fields that work. Validation lives in pkg/apis/clone/validation; what a clone is made of in
// pkg/apis/clone/target.
package v1beta1
