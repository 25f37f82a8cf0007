// SPDX-License-Identifier: Apache-2.0

// Package lifecycle tests the life of machines and instances on a real API server, with the control loops of
// both and a stand-in for the node's agent, which starts and ends guests in no time. Guests that really run
// are tested in test/e2e.
package lifecycle
