// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
)

// DomainSpec is a guest's hardware.
type DomainSpec struct {
	// Resources are used to size the guest where cpu or memory do not say it.
	// +optional
	Resources *ResourceRequirements `json:"resources,omitempty"`
	// +optional
	CPU *CPU `json:"cpu,omitempty"`
	// +optional
	Memory *Memory `json:"memory,omitempty"`
	// +optional
	Machine *Machine `json:"machine,omitempty"`
	// +optional
	Firmware *Firmware `json:"firmware,omitempty"`
	// +optional
	Clock *Clock `json:"clock,omitempty"`
	// +optional
	Features *Features `json:"features,omitempty"`
	Devices  Devices   `json:"devices"`
	// IOThreadsPolicy takes the work of virtio disks to threads of its own: shared or auto.
	// +optional
	IOThreadsPolicy *IOThreadsPolicy `json:"ioThreadsPolicy,omitempty"`
	// Chassis is what the guest's firmware reports of its case.
	// +optional
	Chassis *Chassis `json:"chassis,omitempty"`
}

// ResourceRequirements are cpu and memory as Kubernetes counts them.
type ResourceRequirements struct {
	// Requests: memory sizes the guest where domain.memory.guest is absent; cpu gives its sockets where domain.cpu gives no topology.
	// +optional
	Requests verbatim.ResourceList `json:"requests,omitzero"`
	// Limits are used where requests are absent.
	// +optional
	Limits verbatim.ResourceList `json:"limits,omitzero"`
}

// Devices of the guest.
type Devices struct {
	// Disks in the order of their device names. A volume without a disk gets one.
	// +optional
	// +listType=atomic
	Disks []Disk `json:"disks,omitzero"`
	// DisableHotplug leaves a guest without what disks need that are added while it runs.
	// +optional
	DisableHotplug *bool `json:"disableHotplug,omitempty"`
	// Interfaces of the guest. Where there are none, one to the pod network is made.
	// +optional
	// +listType=atomic
	Interfaces []Interface `json:"interfaces,omitzero"`
	// AutoattachPodInterface false leaves a guest without interfaces.
	// +optional
	AutoattachPodInterface *bool `json:"autoattachPodInterface,omitempty"`
	// AutoattachGraphicsDevice false leaves a guest without a screen.
	// +optional
	AutoattachGraphicsDevice *bool `json:"autoattachGraphicsDevice,omitempty"`
	// AutoattachSerialConsole false leaves a guest without a serial console.
	// +optional
	AutoattachSerialConsole *bool `json:"autoattachSerialConsole,omitempty"`
	// AutoattachMemBalloon false leaves a guest without a memory balloon.
	// +optional
	AutoattachMemBalloon *bool `json:"autoattachMemBalloon,omitempty"`
	// AutoattachInputDevice true adds a tablet where there is no input device.
	// +optional
	AutoattachInputDevice *bool `json:"autoattachInputDevice,omitempty"`
	// AutoattachVSOCK true lets programs of the node reach the guest without a network: the subresource vsock connects
	// to its ports.
	// +optional
	AutoattachVSOCK *bool `json:"autoattachVSOCK,omitempty"`
	// LogSerialConsole false keeps no log of what the guest writes to its serial console.
	// +optional
	LogSerialConsole *bool `json:"logSerialConsole,omitempty"`
	// Rng gives the guest the host's randomness.
	// +optional
	Rng *Rng `json:"rng,omitempty"`
	// Inputs are input devices beside the keyboard and the mouse.
	// +optional
	// +listType=atomic
	Inputs []Input `json:"inputs,omitzero"`
	// +optional
	Watchdog *Watchdog `json:"watchdog,omitempty"`
	// TPM is a trusted platform module.
	// +optional
	TPM *TPMDevice `json:"tpm,omitempty"`
	// +optional
	Sound *SoundDevice `json:"sound,omitempty"`
	// Video is the graphics card.
	// +optional
	Video *VideoDevice `json:"video,omitempty"`
	// PanicDevices let the guest tell of its panic.
	// +optional
	// +listType=atomic
	PanicDevices []PanicDevice `json:"panicDevices,omitzero"`
	// NetworkInterfaceMultiQueue gives each virtio interface a queue for each processor.
	// +optional
	NetworkInterfaceMultiQueue *bool `json:"networkInterfaceMultiqueue,omitempty"`
	// BlockMultiQueue gives each virtio disk a queue for each processor.
	// +optional
	BlockMultiQueue *bool `json:"blockMultiQueue,omitempty"`
	// UseVirtioTransitional lets guests use the virtio devices that know only the version before 1.0.
	// +optional
	UseVirtioTransitional *bool `json:"useVirtioTransitional,omitempty"`
}

// Rng is a virtio random number generator.
type Rng struct{}

// DiskBus is how a disk is attached: virtio, sata, scsi or usb.
type DiskBus string

// The buses of disks.
const (
	DiskBusVirtio DiskBus = "virtio"
	DiskBusSATA   DiskBus = "sata"
	DiskBusSCSI   DiskBus = "scsi"
	DiskBusUSB    DiskBus = "usb"
)

// Disk shows a volume to the guest.
type Disk struct {
	// Name of the volume.
	Name       string `json:"name"`
	DiskDevice `json:",inline"`
	// BootOrder from 1, unique among disks and interfaces.
	// +optional
	BootOrder *uint `json:"bootOrder,omitempty"`
	// Serial number of the disk.
	// +optional
	Serial *string `json:"serial,omitempty"`
	// Cache is none, writethrough or writeback.
	// +optional
	Cache      *DriverCache `json:"cache,omitempty"`
	DiskTuning `json:",inline"`
}

// DriverCache is a disk's cache mode.
type DriverCache string

// The cache modes of disks.
const (
	CacheNone         DriverCache = "none"
	CacheWriteThrough DriverCache = "writethrough"
	CacheWriteBack    DriverCache = "writeback"
)

// DiskDevice is exactly one kind of device; a disk where none is given.
type DiskDevice struct {
	// +optional
	Disk *DiskTarget `json:"disk,omitempty"`
	// +optional
	CDRom *CDRomTarget `json:"cdrom,omitempty"`
	// +optional
	LUN *LunTarget `json:"lun,omitempty"`
}

// DiskTarget attaches a volume as a disk.
type DiskTarget struct {
	// Bus is sata on amd64 where it is absent.
	// +optional
	Bus *DiskBus `json:"bus,omitempty"`
	// +optional
	ReadOnly *bool `json:"readonly,omitempty"`
	// PciAddress is where the guest finds a disk on virtio, for example 0000:81:01.0. Such a disk neither comes to a
	// guest that runs nor leaves it.
	// +optional
	PciAddress *string `json:"pciAddress,omitempty"`
}

// LunTarget attaches a claim that is a SCSI device of the node as one: what the guest commands goes to the device itself.
type LunTarget struct {
	// Bus is scsi, also where it is absent.
	// +optional
	Bus *DiskBus `json:"bus,omitempty"`
	// +optional
	ReadOnly *bool `json:"readonly,omitempty"`
}

// TrayState is open or closed.
type TrayState string

// The states of a tray.
const (
	TrayStateOpen   TrayState = "open"
	TrayStateClosed TrayState = "closed"
)

// CDRomTarget attaches a volume as a CD-ROM.
type CDRomTarget struct {
	// Bus is sata where it is absent; virtio is refused.
	// +optional
	Bus *DiskBus `json:"bus,omitempty"`
	// ReadOnly is true where it is absent.
	// +optional
	ReadOnly *bool `json:"readonly,omitempty"`
	// Tray is closed where it is absent.
	// +optional
	Tray *TrayState `json:"tray,omitempty"`
}
