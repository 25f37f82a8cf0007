// SPDX-License-Identifier: Apache-2.0

// Package screen makes pictures of guests' screens: PNG decodes what the hypervisor gives and encodes it,
// within limits; Wake moves the pointer of a screen that sleeps. How a screen is reached is the hypervisor's.
package screen
