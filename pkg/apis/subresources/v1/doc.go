// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.kubevirt.subresources.v1
// +groupName=subresources.kubevirt.io

// Package v1 holds the kinds that carry the actions of subresources.kubevirt.io. The group has no objects
// of its own: KubeVirt's clients call actions of kubevirt.io's machines and instances through it. The
// kinds exist because the API machinery wants a kind for each path.
package v1
