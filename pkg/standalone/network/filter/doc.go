// SPDX-License-Identifier: Apache-2.0

// Package filter decides, by nftables, which packets of guests pass: tables of our own, named after the bridge,
// beside which those of others stay as they are.
//
// A guest sends from its own addresses or not at all. It reaches what the host reaches, by the host's address,
// and other guests, but of the host itself nothing but DHCP, DNS and ping. Nothing outside the host reaches a
// guest; the host and other guests do, at the guest's ports where its interface names any.
package filter
