// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.kubevirt.v1
// +groupName=kubevirt.io

// Package v1 holds the types of the API group kubevirt.io: VirtualMachine, VirtualMachineInstance and
// the bodies of their actions, wire-compatible with KubeVirt 1.7.
//
// A type holds only fields that work: what is not here is an unknown field, which strict clients are
// refused and others are warned about. The same Go types serve v1 and v1alpha3 and are their own
// storage form, so there is no conversion code. Defaults live in defaults.go and are applied in memory
// (to a VirtualMachineInstance, and to a copy of a template when it is validated), never to what a user
// wrote. Validation lives in pkg/apis/kubevirt/validation.
package v1
