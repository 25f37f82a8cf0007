// SPDX-License-Identifier: Apache-2.0

// Package domain translates an instance into the XML of a libvirt domain and back into what the launcher
// has to know of a domain that it finds. It is pure: it touches no file and no libvirt. Which files are
// behind the volumes, and whether they may be opened, is package launcher's affair.
package domain
