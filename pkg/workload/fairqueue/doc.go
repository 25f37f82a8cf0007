// SPDX-License-Identifier: Apache-2.0

// Package fairqueue shares a number of slots among namespaces, so that none of them keeps the others waiting: however
// much one has in line, another's first is served next.
package fairqueue
