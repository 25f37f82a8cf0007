// SPDX-License-Identifier: Apache-2.0

// Package pace bounds how often something is done for each guest, so that one that floods the host does not fill its
// log, nor take the place of others.
package pace
