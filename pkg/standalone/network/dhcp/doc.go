// SPDX-License-Identifier: Apache-2.0

// Package dhcp tells guests their addresses, by DHCPv4. It keeps nothing: what a guest is told comes from
// Lookup, and holds for good, so that a guest needs nothing of the server once it has been told.
package dhcp
