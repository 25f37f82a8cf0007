// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=io.virt-apiserver.verbatim

// Package verbatim has types that keep what a user wrote. Those of the same names in Kubernetes write 1024Mi as 1Gi,
// and leave out what is empty.
package verbatim
