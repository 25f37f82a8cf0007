// SPDX-License-Identifier: Apache-2.0

// Package expand holds the verb expand of the kubectl plugin, which prints a machine as its instances are made from
// it. The server does the expansion.
package expand
