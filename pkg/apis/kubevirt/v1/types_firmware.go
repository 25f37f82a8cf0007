// SPDX-License-Identifier: Apache-2.0

package v1

import "k8s.io/apimachinery/pkg/types"

// Machine is the emulated machine.
type Machine struct {
	// Type is q35 (default) or a versioned pc-q35 name.
	// +optional
	Type string `json:"type"`
}

// Firmware of the guest.
type Firmware struct {
	// UUID that the guest's firmware reports. Computed from the machine's UID where it is absent.
	// +optional
	UUID types.UID `json:"uuid,omitempty"`
	// Serial that the guest's firmware reports.
	// +optional
	Serial string `json:"serial,omitempty"`
	// Bootloader is BIOS where it is absent.
	// +optional
	Bootloader *Bootloader `json:"bootloader,omitempty"`
}

// Bootloader is exactly one of BIOS and EFI.
type Bootloader struct {
	// +optional
	BIOS *BIOS `json:"bios,omitempty"`
	// +optional
	EFI *EFI `json:"efi,omitempty"`
}

// BIOS boots by SeaBIOS.
type BIOS struct {
	// UseSerial sends the BIOS' messages to the serial console.
	// +optional
	UseSerial *bool `json:"useSerial,omitempty"`
}

// EFI boots by OVMF.
type EFI struct {
	// SecureBoot is true by default, and then needs features.smm.
	// +optional
	SecureBoot *bool `json:"secureBoot,omitempty"`
	// Persistent keeps the firmware's variables from run to run, for the life of the machine.
	// +optional
	Persistent *bool `json:"persistent,omitempty"`
}

// Chassis is the case of the machine, as the guest's firmware reports it.
type Chassis struct {
	// +optional
	Manufacturer string `json:"manufacturer,omitempty"`
	// +optional
	Version string `json:"version,omitempty"`
	// +optional
	Serial string `json:"serial,omitempty"`
	// +optional
	Asset string `json:"asset,omitempty"`
	// +optional
	Sku string `json:"sku,omitempty"`
}
