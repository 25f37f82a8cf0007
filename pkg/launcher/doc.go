// SPDX-License-Identifier: Apache-2.0

// Package launcher runs the virtual machines of a node: it keeps the life cycle of each domain, the files
// that a domain needs, and serves the agent over a unix socket (package launcher/api).
//
// It reaches libvirt only through Hypervisor, which package launcher/libvirt implements, so that all here
// is pure Go. What a domain looks like is in launcher/domain, what survives a crash in launcher/statedir.
//
// Domains outlive the launcher. Nothing that it remembers is needed to find them again: the metadata of a
// domain says whose it is, libvirt says how it is doing, and the record of an instance adds only what
// libvirt does not know, such as when a guest that was asked to power off is ended.
package launcher
