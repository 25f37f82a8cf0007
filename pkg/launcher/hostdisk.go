// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
	"k8s.io/utils/ptr"

	kubevirtv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/kubevirt/v1"
	"github.com/virt-apiserver/virt-apiserver/pkg/beneath"
	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// openHostDisk opens a file of the node, or makes it where that is asked for. The file stays when the
// instance ends.
func (m *Manager) openHostDisk(disk *kubevirtv1.HostDisk) (*domain.File, error) {
	f, err := beneath.Regular(m.options.HostDiskRoots, disk.Path, unix.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) && disk.Type == kubevirtv1.HostDiskExistsOrCreate {
		f, err = m.makeHostDisk(disk)
	}
	if err != nil {
		return nil, invalid(fmt.Errorf("%w; the administrator of the node allows folders with --host-disk-folder", err))
	}
	defer f.Close()
	return &domain.File{Path: f.Name(), Shared: ptr.Deref(disk.Shared, false), DirectIO: takesDirectIO(f), BlockSize: blockSize(f)}, nil
}

func (m *Manager) makeHostDisk(disk *kubevirtv1.HostDisk) (*os.File, error) {
	size := disk.Capacity.Value() / mebibyte * mebibyte
	if size < mebibyte || size > maxEmptyDisk {
		return nil, fmt.Errorf("capacity: %s is not between 1Mi and 64Ti", &disk.Capacity)
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
