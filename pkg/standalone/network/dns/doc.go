// SPDX-License-Identifier: Apache-2.0

// Package dns answers guests: for the names of guests itself, for all else as the host's resolvers do.
package dns
