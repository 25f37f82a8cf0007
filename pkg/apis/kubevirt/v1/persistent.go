// SPDX-License-Identifier: Apache-2.0

package v1

import "k8s.io/utils/ptr"

// KeepsTPM says whether the module's state outlives the instance.
func (d *DomainSpec) KeepsTPM() bool {
	return d.Devices.TPM.On() && ptr.Deref(d.Devices.TPM.Persistent, false)
}

// KeepsNVRAM says whether the firmware's variables outlive the instance.
func (d *DomainSpec) KeepsNVRAM() bool {
	return d.Firmware != nil && d.Firmware.Bootloader != nil && d.Firmware.Bootloader.EFI != nil &&
		ptr.Deref(d.Firmware.Bootloader.EFI.Persistent, false)
}
