// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

func setDefaultsVolumes(volumes []Volume) {
	for i := range volumes {
		if disk := volumes[i].ContainerDisk; disk != nil && ptr.Deref(disk.ImagePullPolicy, "") == "" {
			disk.ImagePullPolicy = ptr.To(defaultPullPolicy(disk.Image))
		}
	}
}

// setDefaultsHotplug puts the disks of hot-pluggable volumes on a bus that takes disks while the guest runs.
func setDefaultsHotplug(spec *VirtualMachineInstanceSpec) {
	hotpluggable := map[string]bool{}
	for i := range spec.Volumes {
		hotpluggable[spec.Volumes[i].Name] = spec.Volumes[i].IsHotpluggable()
	}
	for i := range spec.Domain.Devices.Disks {
		disk := &spec.Domain.Devices.Disks[i]
		if !hotpluggable[disk.Name] || disk.CDRom != nil || disk.LUN != nil {
			continue
		}
		if disk.Disk == nil {
			disk.Disk = &DiskTarget{}
		}
		if ptr.Deref(disk.Disk.Bus, "") == "" {
			disk.Disk.Bus = ptr.To(DiskBusSCSI)
		}
	}
}

// defaultPullPolicy asks the registry each time about a tag that is known to move.
func defaultPullPolicy(image string) corev1.PullPolicy {
	if strings.Contains(image, "@") {
		return corev1.PullIfNotPresent
	}
	// A colon before the last slash is that of a port.
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if !tagged || tag == "latest" {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}
