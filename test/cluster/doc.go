// SPDX-License-Identifier: Apache-2.0

// Package cluster tests virt-apiserver in its home: behind a real
// kube-apiserver, with a real kube-controller-manager beside it, through plain
// kubectl and client-go. What the API does by itself is tested nearer to it.
//
// The tests share one control plane, made by hack/cluster, and each works in a
// namespace of its own. The node that runs guests is a stand-in.
//
// Run them with -count=1: Go does not see that the server, which hack/cluster
// builds, has changed, and would repeat an old result.
package cluster
