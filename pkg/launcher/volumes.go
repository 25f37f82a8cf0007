// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/beneath"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/api"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// openBeneath opens the regular file at path, which must be below one of the roots with no symbolic link on
// its way from there.
func openBeneath(roots []string, path string, readOnly bool) (*os.File, error) {
	if readOnly {
		return beneath.Regular(roots, path, unix.O_RDONLY)
	}
	return beneath.Regular(roots, path, unix.O_RDWR)
}

// openSource opens what is behind a claim: a regular file below a volume root, or a block device below a root of those.
func (m *Manager) openSource(source api.DiskSource, readOnly bool) (*os.File, error) {
	if _, _, err := beneath.Split(m.options.DeviceRoots, source.Path); err != nil {
		return openBeneath(m.options.VolumeRoots, source.Path, readOnly)
	}
	if readOnly {
		return beneath.Device(m.options.DeviceRoots, source.Path, unix.O_RDONLY)
	}
	return beneath.Device(m.options.DeviceRoots, source.Path, unix.O_RDWR)
}

// fileOf is what QEMU is told of a file or a block device that is open, which it takes over. A file that is only read,
// or that several guests share, is others' too: it is handed to QEMU as it is, as libvirt would make it that QEMU's own.
func (m *Manager) fileOf(disk *kubevirtv1.Disk, volume string, f *os.File, readOnly bool, handed handover) (*domain.File, error) {
	handed.add(volume, f)
	if err := checkLUN(disk, f); err != nil {
		return nil, err
	}
	file, err := describeFile(f, readOnly)
	if err == nil && file.Device == nil && (readOnly || isShared(disk)) {
		file.Descriptor = volume
		return file, nil
	}
	handed.remove(volume)
	return file, err
}

func isShared(disk *kubevirtv1.Disk) bool {
	return disk != nil && ptr.Deref(disk.Shareable, false)
}

func describeFile(f *os.File, readOnly bool) (*domain.File, error) {
	file := &domain.File{Path: f.Name(), ReadOnly: readOnly, DirectIO: takesDirectIO(f), BlockSize: blockSize(f)}
	info, err := f.Stat()
	if err != nil || info.Mode().Type() != os.ModeDevice {
		return file, err
	}
	logical, err := unix.IoctlGetInt(int(f.Fd()), unix.BLKSSZGET)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its block size: %w", f.Name(), err)
	}
	physical, err := unix.IoctlGetInt(int(f.Fd()), unix.BLKPBSZGET)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its block size: %w", f.Name(), err)
	}
	file.Device = &domain.Device{LogicalBlockSize: uint(logical), PhysicalBlockSize: uint(physical)}
	return file, nil
}

// takesDirectIO tries to read past the page cache: some file systems take the flag and then fail.
func takesDirectIO(f *os.File) bool {
	const page = 4096
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err != nil {
		return false
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETFL, flags|unix.O_DIRECT); err != nil {
		return false
	}
	aligned, err := unix.Mmap(-1, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Munmap(aligned) }()
	_, err = unix.Pread(int(f.Fd()), aligned, 0)
	return err == nil
}

// maxBlockSize is the largest that QEMU gives a disk.
const maxBlockSize = 2 << 20

// blockSize is that of the file system that f is on; 0 where there is none that a disk can have.
func blockSize(f *os.File) uint {
	var info unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &info); err != nil {
		return 0
	}
	size := uint(info.Blksize)
	if size > maxBlockSize || size&(size-1) != 0 {
		return 0
	}
	return size
}
