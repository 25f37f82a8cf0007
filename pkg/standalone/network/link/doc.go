// SPDX-License-Identifier: Apache-2.0

// Package link makes the devices of a guest network: a bridge, which is the guests' gateway, and a tap for each
// interface of a guest. It also says which addresses the machine has in use, and lets it forward.
//
// All calls are idempotent, and what they make outlives the process. Guests' packets are judged by package
// filter.
package link
