// SPDX-License-Identifier: Apache-2.0

// Package libvirt is the launcher's Hypervisor: a connection to libvirt that comes back by itself, the few
// calls that the launcher needs, and the probe for KVM. It is the one package that needs cgo. What is done
// with domains, and when, is package launcher's affair.
package libvirt
