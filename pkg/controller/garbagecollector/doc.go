// SPDX-License-Identifier: Apache-2.0

// Package garbagecollector deletes objects whose owners are gone, and lets owners go in the way in which they
// were deleted: in the background, in the foreground (after what they own), or leaving orphans. On a cluster
// kube-controller-manager does it.
//
// It watches the metadata of all kinds that discovery shows. The watches are hints only: before anything is
// deleted, the object and each owner that is not known are read from the API itself.
//
// An owner is found by kind, name and UID. A namespaced object may be owned by objects of its namespace and of
// none, others by objects of no namespace. What names an owner that there cannot be is left alone.
package garbagecollector
