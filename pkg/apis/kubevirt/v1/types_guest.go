// SPDX-License-Identifier: Apache-2.0

package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// VirtualMachineInstanceGuestOSInfo is the operating system of a guest, as its agent tells it.
type VirtualMachineInstanceGuestOSInfo struct {
	// Name such as Debian GNU/Linux.
	// +optional
	Name string `json:"name,omitempty"`
	// +optional
	KernelRelease string `json:"kernelRelease,omitempty"`
	// +optional
	Version string `json:"version,omitempty"`
	// +optional
	PrettyName string `json:"prettyName,omitempty"`
	// +optional
	VersionID string `json:"versionId,omitempty"`
	// +optional
	KernelVersion string `json:"kernelVersion,omitempty"`
	// Machine such as x86_64.
	// +optional
	Machine string `json:"machine,omitempty"`
	// ID such as debian.
	// +optional
	ID string `json:"id,omitempty"`
}

// VirtualMachineInstanceGuestAgentInfo is what the agent in a guest tells of it.
type VirtualMachineInstanceGuestAgentInfo struct {
	metav1.TypeMeta `json:",inline"`
	// GAVersion is the agent's version.
	// +optional
	GAVersion string `json:"guestAgentVersion,omitempty"`
	// SupportedCommands are what the agent knows.
	// +optional
	// +listType=atomic
	SupportedCommands []GuestAgentCommandInfo `json:"supportedCommands,omitempty"`
	// +optional
	Hostname string `json:"hostname,omitempty"`
	// +optional
	OS VirtualMachineInstanceGuestOSInfo `json:"os,omitempty"`
	// Timezone is a name and the seconds east of UTC, such as CET, 3600.
	// +optional
	Timezone string `json:"timezone,omitempty"`
	// UserList are the users that are logged in.
	// +optional
	// +listType=atomic
	UserList []VirtualMachineInstanceGuestOSUser `json:"userList,omitempty"`
	// +optional
	FSInfo VirtualMachineInstanceFileSystemInfo `json:"fsInfo,omitempty"`
	// FSFreezeStatus is frozen, or thawed.
	// +optional
	FSFreezeStatus string `json:"fsFreezeStatus,omitempty"`
}

// GuestAgentCommandInfo is a command that an agent knows.
type GuestAgentCommandInfo struct {
	Name string `json:"name"`
	// +optional
	Enabled bool `json:"enabled,omitempty"`
}

// VirtualMachineInstanceGuestOSUserList lists the users that are logged in to a guest.
type VirtualMachineInstanceGuestOSUserList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineInstanceGuestOSUser `json:"items"`
}

// VirtualMachineInstanceGuestOSUser is a user that is logged in to a guest.
type VirtualMachineInstanceGuestOSUser struct {
	UserName string `json:"userName"`
	// Domain of a Windows user.
	// +optional
	Domain string `json:"domain,omitempty"`
	// LoginTime of the earliest login, in seconds since 1970.
	// +optional
	LoginTime float64 `json:"loginTime,omitempty"`
}

// VirtualMachineInstanceFileSystemInfo holds the file systems of a guest.
type VirtualMachineInstanceFileSystemInfo struct {
	// +listType=atomic
	Filesystems []VirtualMachineInstanceFileSystem `json:"disks"`
}

// VirtualMachineInstanceFileSystemList lists the file systems of a guest.
type VirtualMachineInstanceFileSystemList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VirtualMachineInstanceFileSystem `json:"items"`
}

// VirtualMachineInstanceFileSystem is a file system that is mounted in a guest.
type VirtualMachineInstanceFileSystem struct {
	// DiskName is the guest's name of the device.
	DiskName       string `json:"diskName"`
	MountPoint     string `json:"mountPoint"`
	FileSystemType string `json:"fileSystemType"`
	UsedBytes      int64  `json:"usedBytes"`
	TotalBytes     int64  `json:"totalBytes"`
	// Disk are the disks below it.
	// +optional
	// +listType=atomic
	Disk []VirtualMachineInstanceFileSystemDisk `json:"disk,omitempty"`
}

// VirtualMachineInstanceFileSystemDisk is a disk below a file system.
type VirtualMachineInstanceFileSystemDisk struct {
	// +optional
	Serial  string `json:"serial,omitempty"`
	BusType string `json:"busType"`
}

// FreezeUnfreezeTimeout are the options of a freeze.
type FreezeUnfreezeTimeout struct {
	// UnfreezeTimeout is after how long the file systems are thawed if nobody asked for it before; 5 minutes where it is zero.
	UnfreezeTimeout *metav1.Duration `json:"unfreezeTimeout"`
}
