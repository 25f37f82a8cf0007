// SPDX-License-Identifier: Apache-2.0

// Package apiserver assembles the API groups into a server on k8s.io/apiserver.
//
// What is here serves both ways to run: the scheme, the storage factory, the groups and the routes that
// are not resources. What differs (where identity, authorisation, core objects and etcd come from) is in
// options.go for a server behind kube-apiserver and in package standalone for one on its own. The
// resources themselves are in pkg/registry.
package apiserver
