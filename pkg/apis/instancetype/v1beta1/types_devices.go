// SPDX-License-Identifier: Apache-2.0

package v1beta1

import kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"

// DevicePreferences are about devices. Those of one kind of device are for each device of that kind that a
// machine has, and that leaves it open.
type DevicePreferences struct {
	// +optional
	PreferredAutoattachGraphicsDevice *bool `json:"preferredAutoattachGraphicsDevice,omitempty"`
	// +optional
	PreferredAutoattachMemBalloon *bool `json:"preferredAutoattachMemBalloon,omitempty"`
	// +optional
	PreferredAutoattachPodInterface *bool `json:"preferredAutoattachPodInterface,omitempty"`
	// +optional
	PreferredAutoattachSerialConsole *bool `json:"preferredAutoattachSerialConsole,omitempty"`
	// +optional
	PreferredAutoattachInputDevice *bool `json:"preferredAutoattachInputDevice,omitempty"`
	// PreferredDisableHotplug leaves the guest without what disks need that are added while it runs.
	// +optional
	PreferredDisableHotplug *bool `json:"preferredDisableHotplug,omitempty"`
	// PreferredVideoType is the graphics card of a machine that names none: vga, cirrus, virtio, ramfb or bochs.
	// +optional
	PreferredVideoType *string `json:"preferredVideoType,omitempty"`
	// PreferredVirtualGPUOptions are for graphics processors of the machine; none has any.
	// +optional
	PreferredVirtualGPUOptions *VGPUOptions `json:"preferredVirtualGPUOptions,omitempty"`
	// PreferredSoundModel is for a sound card that has none: ich9 or ac97.
	// +optional
	PreferredSoundModel *string `json:"preferredSoundModel,omitempty"`
	// +optional
	PreferredUseVirtioTransitional *bool `json:"preferredUseVirtioTransitional,omitempty"`
	// PreferredInputBus is usb or virtio.
	// +optional
	PreferredInputBus *kubevirtv1.InputBus `json:"preferredInputBus,omitempty"`
	// PreferredInputType is tablet.
	// +optional
	PreferredInputType *kubevirtv1.InputType `json:"preferredInputType,omitempty"`
	// PreferredDiskBus is virtio, sata, scsi or usb.
	// +optional
	PreferredDiskBus *kubevirtv1.DiskBus `json:"preferredDiskBus,omitempty"`
	// PreferredCdromBus is sata, scsi or usb.
	// +optional
	PreferredCdromBus *kubevirtv1.DiskBus `json:"preferredCdromBus,omitempty"`
	// PreferredLunBus is scsi.
	// +optional
	PreferredLunBus *kubevirtv1.DiskBus `json:"preferredLunBus,omitempty"`
	// PreferredDiskCache is none, writethrough or writeback.
	// +optional
	PreferredDiskCache *kubevirtv1.DriverCache `json:"preferredDiskCache,omitempty"`
	// PreferredDiskIO is native or threads.
	// +optional
	PreferredDiskIO *kubevirtv1.DriverIO `json:"preferredDiskIO,omitempty"`
	// PreferredDiskDedicatedIoThread is for disks on virtio.
	// +optional
	PreferredDiskDedicatedIoThread *bool `json:"preferredDiskDedicatedIoThread,omitempty"`
	// PreferredDiskBlockSize is for disks that name no block size.
	// +optional
	PreferredDiskBlockSize *kubevirtv1.BlockSize `json:"preferredDiskBlockSize,omitempty"`
	// PreferredInterfaceModel is virtio, e1000e or another that interfaces can have.
	// +optional
	PreferredInterfaceModel *string `json:"preferredInterfaceModel,omitempty"`
	// PreferredInterfaceMasquerade is for interfaces to the pod network that name no binding.
	// +optional
	PreferredInterfaceMasquerade *kubevirtv1.InterfaceMasquerade `json:"preferredInterfaceMasquerade,omitempty"`
	// PreferredRng gives the guest the host's randomness.
	// +optional
	PreferredRng *kubevirtv1.Rng `json:"preferredRng,omitempty"`
	// +optional
	PreferredBlockMultiQueue *bool `json:"preferredBlockMultiQueue,omitempty"`
	// PreferredNetworkInterfaceMultiQueue gives each virtio interface a queue for each processor.
	// +optional
	PreferredNetworkInterfaceMultiQueue *bool `json:"preferredNetworkInterfaceMultiQueue,omitempty"`
	// PreferredTPM gives the guest a trusted platform module.
	// +optional
	PreferredTPM *kubevirtv1.TPMDevice `json:"preferredTPM,omitempty"`
	// PreferredPanicDeviceModel is for panic devices that have none: hyperv or isa.
	// +optional
	PreferredPanicDeviceModel *kubevirtv1.PanicDeviceModel `json:"preferredPanicDeviceModel,omitempty"`
}
