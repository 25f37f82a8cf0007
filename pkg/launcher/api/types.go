// SPDX-License-Identifier: Apache-2.0

package api

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
)

// StartRequest asks that the domain of an instance runs. It is idempotent: where a domain of the same
// UID runs or ran, nothing is started and its status is returned. A domain that is in StateStarting
// (the launcher ended before it could start it) is started; while libvirt makes up its mind about an earlier
// start, the answer is ErrorUnsettled. So a domain whose status is returned is never in StateStarting. A start
// that libvirt refuses leaves nothing behind, so that it can be tried again.
type StartRequest struct {
	// Instance is the complete instance, defaults filled in.
	Instance *kubevirtv1.VirtualMachineInstance `json:"instance"`
	// Disks are the files behind the volumes that are claims or container disks, by volume name. One of a
	// container disk is shared and never written; the launcher keeps it for as long as the domain needs it.
	Disks map[string]DiskSource `json:"disks,omitempty"`
	// Boot is the kernel that the domain boots; nil where its firmware looks for one on its devices.
	Boot *BootFiles `json:"boot,omitempty"`
	// Images are the contents of the volumes that are made from objects, by volume name.
	Images map[string]Image `json:"images,omitempty"`
	// Taps are the devices on the host that interfaces are connected by, by interface name; an interface without
	// one is connected to QEMU's user-mode network, where it reaches nobody.
	Taps map[string]string `json:"taps,omitempty"`
	// Seeds are the contents of the cloud-init volumes, by volume name.
	Seeds map[string]Seed `json:"seeds,omitempty"`
}

// BootFiles are paths, each like that of a DiskSource. The files are shared and never written; the launcher keeps them
// for as long as the domain needs them.
type BootFiles struct {
	Kernel string `json:"kernel"`
	// Initrd is empty where there is none.
	Initrd string `json:"initrd,omitempty"`
}

// BootSums are checksums (CRC-32, IEEE) of what a domain was started with.
type BootSums struct {
	Kernel uint32 `json:"kernel"`
	// Initrd is nil where there is none.
	Initrd *uint32 `json:"initrd,omitempty"`
}

// DiskSource is a raw file, or the node of a block device, below a root that the launcher was started with.
type DiskSource struct {
	// Path is absolute, free of symbolic links, and below a root of volumes or of devices.
	Path string `json:"path"`
	// ReadOnly is true where the claim may not be written.
	ReadOnly bool `json:"readOnly,omitempty"`
}

// Image is the content of a small ISO image.
type Image struct {
	// Label by which a guest finds it.
	Label string `json:"label"`
	// Files are the contents by path, which is relative.
	Files map[string][]byte `json:"files,omitempty"`
}

// Seed is the content of a cloud-init volume, secrets resolved.
type Seed struct {
	UserData    []byte `json:"userData,omitempty"`
	NetworkData []byte `json:"networkData,omitempty"`
	// PublicKeys are SSH keys of the guest's first user.
	PublicKeys []string `json:"publicKeys,omitempty"`
}

// State of a domain.
type State string

const (
	// StateStarting: known to the launcher, not running yet. Another StartRequest carries on.
	StateStarting State = "Starting"
	// StateRunning: the processors run.
	StateRunning State = "Running"
	// StatePaused: the processors are stopped.
	StatePaused State = "Paused"
	// StateStopping: the guest was asked to power off.
	StateStopping State = "Stopping"
	// StateSucceeded: ended by the guest's own power-off, or by a shutdown that was asked for.
	StateSucceeded State = "Succeeded"
	// StateFailed: crashed, killed, or never started; Reason and Message say which.
	StateFailed State = "Failed"
)

// Reasons of StateFailed.
const (
	// ReasonGuestCrashed: the guest told of a panic.
	ReasonGuestCrashed = "GuestCrashed"
	// ReasonProcessDied: QEMU ended without the guest's or our doing.
	ReasonProcessDied = "ProcessDied"
	// ReasonKilled: the grace period ran out, or the stop was forced.
	ReasonKilled = "Killed"
	// ReasonUnhealthy: it was ended because its liveness probe failed.
	ReasonUnhealthy = "Unhealthy"
	// ReasonStartFailed: libvirt or QEMU refused the domain.
	ReasonStartFailed = "StartFailed"
)

// Reasons of StatePaused.
const (
	// ReasonPausedByUser: the start strategy or a request paused the guest.
	ReasonPausedByUser = "PausedByUser"
	// ReasonPausedIOError: a disk failed, most often because the file system is full; unpause goes on.
	ReasonPausedIOError = "PausedIOError"
)

// DomainStatus is the state of one domain. A domain that ended is listed, with how it ended, until it is deleted.
type DomainStatus struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid"`
	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"`
	Message   string    `json:"message,omitempty"`
	// StartedAt is zero until the domain ran.
	StartedAt time.Time `json:"startedAt,omitzero"`
	// Accelerator is kvm or tcg.
	Accelerator string `json:"accelerator,omitempty"`
	// Machine is the machine type that the guest really has, such as pc-q35-7.2.
	Machine string `json:"machine,omitempty"`
	// Targets are the device names of the volumes, such as vda.
	Targets map[string]string `json:"targets,omitempty"`
	// VSOCKCID is the guest's address for VSOCK on the node; 0 where it has none.
	VSOCKCID uint32 `json:"vsockCID,omitempty"`
	// VCPUs are the processors that the guest has now.
	VCPUs uint `json:"vcpus,omitempty"`
	// Memory of the guest.
	Memory Memory `json:"memory,omitzero"`
	// Boot tells what the domain boots; nil where its firmware looks for that.
	Boot *BootSums `json:"boot,omitempty"`
	// Taps are the devices on the host that interfaces are connected by, by interface name.
	Taps map[string]string `json:"taps,omitempty"`
	// Interfaces of the domain.
	Interfaces []kubevirtv1.VirtualMachineInstanceNetworkInterface `json:"interfaces,omitempty"`
	// Agent is nil while it is not known whether one answers in the guest.
	Agent *Agent `json:"agent,omitempty"`
	// Frozen is true from a freeze that was asked for to the thaw.
	Frozen bool `json:"frozen,omitempty"`
	// Credentials is the version of the Credentials that the guest was last given.
	Credentials string `json:"credentials,omitempty"`
}

// Memory of a guest in bytes.
type Memory struct {
	// AtBoot is what it started with.
	AtBoot int64 `json:"atBoot"`
	// Requested is what it is to have.
	Requested int64 `json:"requested"`
	// Current is what it has taken of that so far, or has not yet given back.
	Current int64 `json:"current"`
}

// ResizeRequest asks that a running guest has so many processors and so much memory. Of processors there can
// only be more; what is 0 stays as it is. It is idempotent.
type ResizeRequest struct {
	// VCPUs at the most are those that the domain was made for.
	VCPUs uint `json:"vcpus,omitempty"`
	// Memory in bytes.
	Memory int64 `json:"memory,omitempty"`
}

// PlugRequest asks that a running guest has one more disk. It is idempotent: a disk of that name that the
// guest has stays as it is.
type PlugRequest struct {
	// Disk on the bus scsi or virtio, defaults filled in.
	Disk kubevirtv1.Disk `json:"disk"`
	// Source is what it holds.
	Source DiskSource `json:"source"`
}

// UnplugRequest asks that a running guest gives a disk up. The guest may take its time, or not do it: the
// disk is in the domain's Targets for as long. It is idempotent.
type UnplugRequest struct {
	// Name of the disk.
	Name string `json:"name"`
}

// InterfaceRequest asks that a running guest has an interface, with its link up or down, or that it gives one up whose
// state is absent: then the guest may take its time, and the interface is among the domain's for as long. It is idempotent.
type InterfaceRequest struct {
	// Interface with its defaults filled in.
	Interface kubevirtv1.Interface `json:"interface"`
	// Tap is the device on the host that it is connected by.
	Tap string `json:"tap,omitempty"`
	// MultiQueue is true where the tap has several queues.
	MultiQueue bool `json:"multiQueue,omitempty"`
}

// ShutdownRequest asks that a domain ends.
type ShutdownRequest struct {
	// GracePeriodSeconds is how long the guest may take after it was asked to power off; 0 ends it at once.
	GracePeriodSeconds int64 `json:"gracePeriodSeconds"`
	// Unhealthy, where it is not empty, says what is wrong with the guest: however it ends then, it failed.
	Unhealthy string `json:"unhealthy,omitempty"`
}

// Kept is state that outlives the instances of a machine: firmware variables, and what a trusted platform module
// has stored.
type Kept struct {
	// UUID of the machine's domains.
	UUID string `json:"uuid"`
	// Namespace, Name and Owner, its UID, are the machine's.
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Owner     types.UID `json:"owner"`
}

// Health tells what the launcher found on the node.
type Health struct {
	// PID of the launcher.
	PID int `json:"pid"`
	// Version of the launcher's build; the agent replaces a launcher of another version, which harms no guest.
	Version string `json:"version"`
	// Arguments are those that the launcher was started with; the agent replaces one that has others.
	Arguments []string `json:"arguments,omitempty"`
	// Libvirt says whether the connection to libvirt is up; Message says what to do where it is not.
	Libvirt bool `json:"libvirt"`
	// LibvirtVersion such as 9.0.0.
	LibvirtVersion string `json:"libvirtVersion,omitempty"`
	// Accelerator is kvm where a probe proved it usable, else tcg.
	Accelerator string `json:"accelerator,omitempty"`
	Message     string `json:"message,omitempty"`
}

// VerbosityRequest says how much the launcher logs. Above 2 it logs each request.
type VerbosityRequest struct {
	Verbosity int32 `json:"verbosity"`
}
