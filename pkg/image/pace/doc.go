// SPDX-License-Identifier: Apache-2.0

// Package pace ends transfers from sources that deliver next to nothing. A source that says nothing at all is told by a
// time-out; one that sends a byte now and then would keep its place in line for ever.
package pace
