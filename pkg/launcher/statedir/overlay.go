// SPDX-License-Identifier: Apache-2.0

package statedir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/qcow2"
)

// sector is the unit of a disk's size.
const sector = 512

// KeepBase gives base another name, among the files of an instance whose record is saved, and returns its
// path: the file stays for as long as that name. base has to be on the file system of the directory.
func (d *Dir) KeepBase(uid types.UID, volume string, base *os.File) (string, error) {
	if err := reclaim(base); err != nil {
		return "", fmt.Errorf("keep the base of %s: %w", volume, err)
	}
	path, err := d.keep(uid, volume, ".base", base)
	if err != nil {
		return "", fmt.Errorf("keep the base of %s: %w", volume, err)
	}
	return path, nil
}

// KeepBoot copies what the instance boots to its files and returns the path: libvirt gives that to QEMU's user, and
// others boot the original. name tells the kernel and the initrd apart.
func (d *Dir) KeepBoot(uid types.UID, name string, file *os.File) (string, error) {
	if err := reclaim(file); err != nil {
		return "", fmt.Errorf("keep the %s: %w", name, err)
	}
	kept, err := d.create(uid, name, ".boot")
	if err != nil {
		return "", fmt.Errorf("keep the %s: %w", name, err)
	}
	defer kept.Close()
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("keep the %s: %w", name, err)
	}
	if _, err := io.Copy(kept, file); err != nil {
		return "", fmt.Errorf("keep the %s: %w", name, err)
	}
	return kept.Name(), nil
}

// reclaim makes what many instances have root's, where that can be: libvirt gave it to the user of all QEMUs once.
func reclaim(file *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return file.Chown(0, 0)
}

// keep links file to a name among the files of an instance, in place of one that an interrupted start may have left.
func (d *Dir) keep(uid types.UID, what, suffix string, file *os.File) (string, error) {
	name, err := fileName(uid, what, suffix)
	if err != nil {
		return "", err
	}
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	dir, err := d.root.Open(filepath.Dir(name))
	if err != nil {
		return "", err
	}
	defer dir.Close()
	// By the descriptor: what its path leads to may be another file by now.
	opened := "/proc/self/fd/" + strconv.Itoa(int(file.Fd()))
	if err := unix.Linkat(unix.AT_FDCWD, opened, int(dir.Fd()), filepath.Base(name), unix.AT_SYMLINK_FOLLOW); err != nil {
		return "", fmt.Errorf("link %s: %w", file.Name(), err)
	}
	return filepath.Join(d.path, name), nil
}

// MakeOverlay makes a file for a volume of an instance whose record is saved, and returns it, open: it reads
// as base, which lies at path, and takes what the guest writes.
func (d *Dir) MakeOverlay(uid types.UID, volume string, base *os.File, path string) (*os.File, error) {
	info, err := base.Stat()
	if err != nil {
		return nil, fmt.Errorf("overlay %s: %w", volume, err)
	}
	f, err := d.create(uid, volume, ".qcow2")
	if err != nil {
		return nil, fmt.Errorf("overlay %s: %w", volume, err)
	}
	size := (info.Size() + sector - 1) / sector * sector
	if err := qcow2.NewOverlay(f, size, path); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("overlay %s: %w", volume, err)
	}
	return f, nil
}
