// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.kubevirt.cdi.v1beta1
// +groupName=cdi.kubevirt.io

// Package v1beta1 holds the types of the API group cdi.kubevirt.io, wire-compatible with CDI 1.61 and later.
//
// A type holds only fields that work. Validation lives in pkg/apis/cdi/validation.
package v1beta1
