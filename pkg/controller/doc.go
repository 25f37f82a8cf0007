// SPDX-License-Identifier: Apache-2.0

// Package controller holds what the control loops share: handlers of informers, a recorder of events,
// finalizers, and the patience not to write a state that does not last. Each loop has a package of its own
// below this one; the queue that drives them is in package queue.
//
// A loop decides in pure functions, from what its informers know and the time, and acts in one place. It
// writes a status only when that changes its meaning. It knows nothing of who runs a workload: see package
// workload.
package controller
