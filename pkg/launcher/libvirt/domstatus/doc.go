// SPDX-License-Identifier: Apache-2.0

// Package domstatus reads what libvirtd notes of running domains for the next libvirtd, below /run/libvirt/qemu.
// Domains themselves are not here: see package libvirt.
package domstatus
