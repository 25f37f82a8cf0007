// SPDX-License-Identifier: Apache-2.0

package v1

// InputBus is how an input device is attached: usb or virtio.
type InputBus string

// The buses of input devices.
const (
	InputBusUSB    InputBus = "usb"
	InputBusVirtio InputBus = "virtio"
)

// InputType is what an input device is: a tablet.
type InputType string

// InputTypeTablet tells where the pointer is, rather than how it moved.
const InputTypeTablet InputType = "tablet"

// Input is an input device. A keyboard and a mouse are there always.
type Input struct {
	Name string `json:"name"`
	// Bus is usb where it is absent.
	// +optional
	Bus *InputBus `json:"bus,omitempty"`
	// Type is tablet, also where it is absent.
	// +optional
	Type *InputType `json:"type,omitempty"`
}

// Watchdog acts when the guest does not report to it in time.
type Watchdog struct {
	Name           string `json:"name"`
	WatchdogDevice `json:",inline"`
}

// WatchdogDevice is exactly one kind of watchdog.
type WatchdogDevice struct {
	// +optional
	I6300ESB *I6300ESBWatchdog `json:"i6300esb,omitempty"`
}

// WatchdogAction is what a watchdog does.
type WatchdogAction string

const (
	// WatchdogActionPoweroff ends the guest at once.
	WatchdogActionPoweroff WatchdogAction = "poweroff"
	// WatchdogActionReset resets it.
	WatchdogActionReset WatchdogAction = "reset"
	// WatchdogActionShutdown presses its power button.
	WatchdogActionShutdown WatchdogAction = "shutdown"
)

// I6300ESBWatchdog is Intel's.
type I6300ESBWatchdog struct {
	// Action is reset where it is absent.
	// +optional
	Action *WatchdogAction `json:"action,omitempty"`
}

// SoundDevice is a sound card. What it plays goes nowhere.
type SoundDevice struct {
	Name string `json:"name"`
	// Model is ich9 (default) or ac97.
	// +optional
	Model *string `json:"model,omitempty"`
}

// TPMDevice is a trusted platform module of version 2.0.
type TPMDevice struct {
	// Enabled is true where it is absent.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// Persistent keeps what the module stores from run to run, for the life of the machine.
	// +optional
	Persistent *bool `json:"persistent,omitempty"`
}

// On says whether there is a module.
func (t *TPMDevice) On() bool { return t != nil && (t.Enabled == nil || *t.Enabled) }

// VideoDevice is the graphics card.
type VideoDevice struct {
	// Type is vga, as where there is no video, or cirrus, virtio, ramfb or bochs.
	// +optional
	Type *string `json:"type,omitempty"`
}

// PanicDeviceModel is how a guest tells of its panic: hyperv or isa.
type PanicDeviceModel string

// The models of panic devices.
const (
	// PanicDeviceHyperv is what Windows knows; it needs KVM.
	PanicDeviceHyperv PanicDeviceModel = "hyperv"
	// PanicDeviceISA is what Linux knows; it is there always.
	PanicDeviceISA PanicDeviceModel = "isa"
)

// PanicDevice lets a guest tell of its panic, upon which its instance fails.
type PanicDevice struct {
	// Model is isa where it is absent.
	// +optional
	Model *PanicDeviceModel `json:"model,omitempty"`
}

// IOThreadsPolicy says which threads do the work of virtio disks.
type IOThreadsPolicy string

const (
	// IOThreadsPolicyShared is one thread for all disks.
	IOThreadsPolicyShared IOThreadsPolicy = "shared"
	// IOThreadsPolicyAuto is up to two threads for each processor that is requested, among which the disks are dealt out.
	IOThreadsPolicyAuto IOThreadsPolicy = "auto"
)
