// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/apis/verbatim"
	"github.com/virt-apiserver/virt-apiserver/pkg/beneath"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// openHostDisk opens a file of the node, or makes it where that is asked for. The file stays when the instance ends.
// QEMU is handed what was opened: by the time that it would open the path, that may lead to another file.
func (m *Manager) openHostDisk(volume *kubevirtv1.Volume, handed handover) (*domain.File, error) {
	disk := volume.HostDisk
	f, err := m.findHostDisk(disk)
	if err != nil {
		return nil, invalid(fmt.Errorf("%w; the administrator of the node allows folders with --host-disk-folder", err))
	}
	return &domain.File{
		Path: f.Name(), Descriptor: handed.add(volume.Name, f),
		Shared: ptr.Deref(disk.Shared, false), DirectIO: takesDirectIO(f), BlockSize: blockSize(f),
	}, nil
}

func (m *Manager) findHostDisk(disk *kubevirtv1.HostDisk) (*os.File, error) {
	if _, _, err := beneath.Split(m.options.HostDiskRoots, disk.Path); err != nil {
		return nil, err
	}
	if err := beneath.Guarded(filepath.Dir(disk.Path)); err != nil {
		return nil, err
	}
	f, err := beneath.Regular(m.options.HostDiskRoots, disk.Path, unix.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) && disk.Type == kubevirtv1.HostDiskExistsOrCreate {
		return m.makeHostDisk(disk)
	}
	return f, err
}

func (m *Manager) makeHostDisk(disk *kubevirtv1.HostDisk) (*os.File, error) {
	capacity := ptr.Deref(disk.Capacity, verbatim.Quantity{})
	size := capacity.Value() / mebibyte * mebibyte
	if size < mebibyte || size > maxEmptyDisk {
		return nil, fmt.Errorf("capacity: %s is not between 1Mi and 64Ti", capacity)
	}
	f, err := beneath.Regular(m.options.HostDiskRoots, disk.Path, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	if errors.Is(err, fs.ErrExist) { // somebody was faster
		return beneath.Regular(m.options.HostDiskRoots, disk.Path, unix.O_RDWR)
	}
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
