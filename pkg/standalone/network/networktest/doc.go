// SPDX-License-Identifier: Apache-2.0

// Package networktest gives tests a network of their own: the test's process in a namespace without any device
// but lo, and further namespaces beside it that are its guests and neighbours. It needs root.
package networktest
