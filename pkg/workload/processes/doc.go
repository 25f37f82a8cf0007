// SPDX-License-Identifier: Apache-2.0

// Package processes runs workloads as processes of this machine: each import as a virt-importer of its own,
// and all instances in the machine's one virt-launcher, which the node agent keeps running.
//
// An importer sees the one file that it fills, by descriptor, and its instructions, on stdin. It ends with
// the process that started it, and an import that was cut short begins anew.
package processes
