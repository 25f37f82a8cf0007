// SPDX-License-Identifier: Apache-2.0

// Package liveupdate says which changes a running guest takes and which wait for its next start. It is one
// table, from which the VM controller updates instances, the server judges updates of instances, and users are
// told which fields need a restart. How a guest is given a change is not here.
package liveupdate
