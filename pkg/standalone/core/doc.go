// SPDX-License-Identifier: Apache-2.0

// Package core serves the few kinds of Kubernetes itself that a standalone server cannot do without:
// namespaces, secrets, config maps, events, claims and storage classes, with upstream's wire form and rules;
// besides, answers to what a client may do, and the host as a node. Behind kube-apiserver they are Kubernetes'
// own and nothing here is used.
//
// Of pods, services and other kinds that clients list beside those (empty.go) there are none: their lists are
// empty, and who makes one is told why.
//
// A kind (kind.go) is a value that says what is special about a resource; strategy and storage are the same
// for all. What happens to objects after they are stored is in pkg/controller/namespace,
// pkg/controller/garbagecollector and pkg/standalone/volumes.
package core
