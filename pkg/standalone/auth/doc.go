// SPDX-License-Identifier: Apache-2.0

// Package auth says who a client of a standalone server is, and what it may do. Clients are known by a
// certificate of the server's own authority or by a token from a file; the group system:masters may do
// everything and nobody else anything, health checks aside. Behind kube-apiserver, which knows users and
// roles, none of this is used.
package auth
