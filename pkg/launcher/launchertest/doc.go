// SPDX-License-Identifier: Apache-2.0

// Package launchertest has what tests of the launcher share: a libvirt of their own, which they may kill
// without harm to the machine's, and a guest that fits a boot sector.
package launchertest
