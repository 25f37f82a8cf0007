// SPDX-License-Identifier: Apache-2.0

package v1

// StartOptions is the body of a start.
type StartOptions struct {
	// Paused starts the guest paused.
	Paused bool `json:"paused,omitempty"`
	// DryRun with "All" checks and changes nothing.
	DryRun []string `json:"dryRun,omitempty"`
}

// StopOptions is the body of a stop.
type StopOptions struct {
	// GracePeriod in seconds shortens the instance's terminationGracePeriodSeconds.
	GracePeriod *int64 `json:"gracePeriod,omitempty"`
	// DryRun with "All" checks and changes nothing.
	DryRun []string `json:"dryRun,omitempty"`
}

// RestartOptions is the body of a restart.
type RestartOptions struct {
	// GracePeriodSeconds may only be 0: the guest is ended at once.
	GracePeriodSeconds *int64 `json:"gracePeriodSeconds,omitempty"`
	// DryRun with "All" checks and changes nothing.
	DryRun []string `json:"dryRun,omitempty"`
}

// PauseOptions is the body of a pause.
type PauseOptions struct {
	// DryRun with "All" checks and changes nothing.
	DryRun []string `json:"dryRun,omitempty"`
}

// UnpauseOptions is the body of an unpause.
type UnpauseOptions struct {
	// DryRun with "All" checks and changes nothing.
	DryRun []string `json:"dryRun,omitempty"`
}

// AddVolumeOptions is the body of addvolume.
type AddVolumeOptions struct {
	// Name of the volume and of its disk.
	Name string `json:"name"`
	// Disk is how the guest sees the volume; its name is not looked at.
	Disk *Disk `json:"disk"`
	// VolumeSource is what the disk holds.
	VolumeSource *HotplugVolumeSource `json:"volumeSource"`
	// DryRun with "All" checks and changes nothing.
	// +listType=atomic
	DryRun []string `json:"dryRun,omitempty"`
}

// HotplugVolumeSource is exactly one kind of volume.
type HotplugVolumeSource struct {
	PersistentVolumeClaim *PersistentVolumeClaimVolumeSource `json:"persistentVolumeClaim,omitempty"`
	DataVolume            *DataVolumeSource                  `json:"dataVolume,omitempty"`
}

// RemoveVolumeOptions is the body of removevolume.
type RemoveVolumeOptions struct {
	// Name of the volume.
	Name string `json:"name"`
	// DryRun with "All" checks and changes nothing.
	// +listType=atomic
	DryRun []string `json:"dryRun,omitempty"`
}
