// SPDX-License-Identifier: Apache-2.0

// Package portforward holds the verb port-forward of the kubectl plugin: local ports, or a script's pipes, joined
// to ports of a guest. The guest's side of the connections is the server's.
package portforward
