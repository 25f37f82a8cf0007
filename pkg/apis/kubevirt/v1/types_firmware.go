// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Machine is the emulated machine.
type Machine struct {
	// Type is q35 (default) or a versioned pc-q35 name.
	// +optional
	Type *string `json:"type,omitempty"`
}

// Firmware of the guest.
type Firmware struct {
	// UUID that the guest's firmware reports. Computed from the machine's UID where it is absent.
	// +optional
	UUID *types.UID `json:"uuid,omitempty"`
	// Serial that the guest's firmware reports.
	// +optional
	Serial *string `json:"serial,omitempty"`
	// Bootloader is BIOS where it is absent.
	// +optional
	Bootloader *Bootloader `json:"bootloader,omitempty"`
	// KernelBoot starts a kernel without a boot loader.
	// +optional
	KernelBoot *KernelBoot `json:"kernelBoot,omitempty"`
}

// KernelBoot is a kernel that the guest starts with, whatever its disks hold.
type KernelBoot struct {
	// KernelArgs is the kernel's command line, 2047 bytes at the most.
	// +optional
	KernelArgs *string `json:"kernelArgs,omitempty"`
	// Container is the image that the kernel is in.
	// +optional
	Container *KernelBootContainer `json:"container,omitempty"`
}

// KernelBootContainer is a kernel, with an initrd or without, in a container image.
type KernelBootContainer struct {
	// Image is a reference to a registry, by tag or digest. On nodes whose administrator allows the folder
	// it may be an image on disk: oci-layout:PATH or oci-archive:PATH, with :TAG or @DIGEST where there are several.
	Image string `json:"image"`
	// ImagePullSecret names a Secret of type kubernetes.io/dockerconfigjson with the registry's credentials.
	// +optional
	ImagePullSecret *string `json:"imagePullSecret,omitempty"`
	// ImagePullPolicy is Always, IfNotPresent or Never. Where it is absent it is Always for an image with the
	// tag latest or none, else IfNotPresent.
	// +optional
	ImagePullPolicy *corev1.PullPolicy `json:"imagePullPolicy,omitempty"`
	// KernelPath is the kernel's path in the image: a plain file of at most 512Mi.
	// +optional
	KernelPath *string `json:"kernelPath,omitempty"`
	// InitrdPath is the initrd's path in the image: a plain file of at most 512Mi. It needs a kernel.
	// +optional
	InitrdPath *string `json:"initrdPath,omitempty"`
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
	Manufacturer *string `json:"manufacturer,omitempty"`
	// +optional
	Version *string `json:"version,omitempty"`
	// +optional
	Serial *string `json:"serial,omitempty"`
	// +optional
	Asset *string `json:"asset,omitempty"`
	// +optional
	Sku *string `json:"sku,omitempty"`
}
