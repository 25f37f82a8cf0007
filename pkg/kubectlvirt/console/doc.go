// SPDX-License-Identifier: Apache-2.0

// Package console holds the verb console of the kubectl plugin: a terminal, or a script's pipes, joined to a
// guest's serial console.
package console
