// SPDX-License-Identifier: Apache-2.0

// Package virtualmachine is the control loop of VirtualMachines: it makes and ends their instances as the
// run strategy and the start and stop requests say, makes their DataVolumes, and tells in their status how
// they are doing. It never writes a machine's spec.
//
// What to do is decided in decide, from an observation and the time; newStatus says how the machine is
// doing; Controller observes, acts and writes. How an instance finds a node and runs is not here.
package virtualmachine
