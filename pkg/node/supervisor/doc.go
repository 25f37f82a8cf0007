// SPDX-License-Identifier: Apache-2.0

// Package supervisor keeps one launcher running on a node. The launcher is a process of its own session,
// writing to a file, so that it outlives the agent: the next agent adopts it where it finds it on the
// socket, or replaces it where it is of another version. Starting, ending and replacing a launcher touches
// no guest. An agent that ends in good order takes a launcher along that has no guests.
//
// What a launcher does is package launcher's; package node talks to it.
package supervisor
