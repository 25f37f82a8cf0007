// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
)

const (
	// sgGetVersion asks for the version of the SCSI generic interface.
	sgGetVersion = 0x2282
	// sgVersion is the first with SG_IO, which QEMU needs.
	sgVersion = 30000
)

// checkLUN refuses to show what is open as a SCSI device that it is not: QEMU would end over it, and libvirt quote that.
func checkLUN(disk *kubevirtv1.Disk, f *os.File) error {
	if disk == nil || disk.LUN == nil {
		return nil
	}
	lack, err := noSCSI(f)
	if err != nil || lack == "" {
		return err
	}
	return &api.Error{Reason: api.ErrorNoSCSIDevice, Message: fmt.Sprintf(
		"a lun needs a claim that is a SCSI device of the node, and %s; use disk in place of lun", lack)}
}

// noSCSI says what keeps commands from passing through; "" where they do.
func noSCSI(f *os.File) (string, error) {
	var info unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &info); err != nil {
		return "", fmt.Errorf("look at %s: %w", f.Name(), err)
	}
	if info.Mode&unix.S_IFMT != unix.S_IFBLK {
		return "this one is a file", nil
	}
	_, err := os.Stat(fmt.Sprintf("/sys/dev/block/%d:%d/partition", unix.Major(info.Rdev), unix.Minor(info.Rdev)))
	if err == nil {
		return "this one is a partition, which the kernel passes no commands through", nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look whether %s is a partition: %w", f.Name(), err)
	}
	if version, err := unix.IoctlGetInt(int(f.Fd()), sgGetVersion); err != nil || version < sgVersion {
		return "this one is a device that takes no SCSI commands (SG_IO), such as a loop, virtio or NVMe device", nil
	}
	return "", nil
}

// diskOf is the disk of a volume of that name, if it has one.
func diskOf(instance *kubevirtv1.VirtualMachineInstance, volume string) *kubevirtv1.Disk {
	disks := instance.Spec.Domain.Devices.Disks
	for i := range disks {
		if disks[i].Name == volume {
			return &disks[i]
		}
	}
	return nil
}
