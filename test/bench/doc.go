// SPDX-License-Identifier: Apache-2.0

// Command bench measures what the design promises of a server on its own: how much longer a machine takes to
// run than a bare libvirt domain, how many writes that costs, and how much memory. hack/bench.sh runs it.
//
// A row that has a baseline on this machine is measured in turns with it, and the ratio is taken turn by
// turn: other work on the machine then weighs on both alike. Nothing here asserts: a figure is to be read.
// Where a promise is kept is said, not enforced.
package main
