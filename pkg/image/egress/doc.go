// SPDX-License-Identifier: Apache-2.0

// Package egress decides which addresses an import may reach. Whoever may import an image chooses the URL, and a
// server that it names chooses where it redirects: neither may make this machine speak to itself, to what is
// reachable on its links only, or to what a cloud offers it there.
//
// The decision is about the address that a socket is about to be connected to, so that names, redirects, tokens'
// realms and proxies need no rules of their own, and an answer of the DNS that changes does no harm.
package egress
