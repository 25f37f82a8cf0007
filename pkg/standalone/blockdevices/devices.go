// SPDX-License-Identifier: Apache-2.0

package blockdevices

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Devices are those on offer. Its methods may be called at once.
type Devices struct {
	root   *os.Root
	path   string
	byName map[string]Device
	// opening: an exclusive open would refuse another.
	opening sync.Mutex
}

// Open makes the nodes of the devices in the directory path, which is made where it is missing. Nodes of what is
// not on offer are removed; one that a guest may have is left as it is.
func Open(path string, offered []Device) (*Devices, error) {
	if err := os.Mkdir(path, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the directory of block devices: %w", err)
	}
	// The launcher compares paths below it literally.
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("open the directory of block devices: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open the directory of block devices: %w", err)
	}
	d := &Devices{root: root, path: path, byName: map[string]Device{}}
	if err := d.offer(offered); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return d, nil
}

// Path is the directory of the nodes: absolute and free of symbolic links.
func (d *Devices) Path() string { return d.path }

// Close closes the directory; the nodes stay.
func (d *Devices) Close() error { return d.root.Close() }

func (d *Devices) offer(offered []Device) error {
	for _, device := range offered {
		for _, other := range d.byName {
			if device.Name == other.Name {
				return fmt.Errorf("the name %s is given to two block devices: %s and %s", device.Name, other.Path, device.Path)
			}
			if device.overlaps(other) {
				return fmt.Errorf("%s (%s) and %s (%s) are the same block device, or one is a part of the other: offer one of them",
					device.Name, device.Path, other.Name, other.Path)
			}
		}
		d.byName[device.Name] = device
	}
	if err := d.removeOthers(); err != nil {
		return err
	}
	for _, device := range d.byName {
		if err := d.makeNode(device); err != nil {
			return fmt.Errorf("make a node for block device %s: %w", device.Name, err)
		}
	}
	return d.root.Chmod(".", 0o711) // the umask must not keep QEMU out
}

func (d *Devices) removeOthers() error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if _, stays := d.byName[entry.Name()]; !stays {
			if err := d.root.Remove(entry.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeNode keeps a node that is the device's: libvirt may have given it to the user of a guest's QEMU.
func (d *Devices) makeNode(device Device) error {
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	var info unix.Stat_t
	err = unix.Fstatat(int(dir.Fd()), device.Name, &info, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && info.Mode&unix.S_IFMT == unix.S_IFBLK && info.Rdev == device.number {
		return d.canOpen(device)
	}
	if err := d.root.Remove(device.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := unix.Mknodat(int(dir.Fd()), device.Name, unix.S_IFBLK|0o600, int(device.number)); err != nil {
		return err
	}
	return d.canOpen(device)
}

func (d *Devices) canOpen(device Device) error {
	_, err := d.measure(device)
	if errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w: the file system of %s is mounted with nodev: mount it without, or choose another with --data-dir", err, d.path)
	}
	return err
}

// Locate returns the path of the node of the device of that name, and its size in bytes. It is an error where that
// is not on offer, or not the disk any more that it was when the server started.
func (d *Devices) Locate(name string) (path string, size int64, err error) {
	device, found := d.byName[name]
	if !found {
		return "", 0, d.unknown(name)
	}
	if size, err = d.measure(device); err != nil {
		return "", 0, fmt.Errorf("block device %s (%s): %w", name, device.Path, err)
	}
	return filepath.Join(d.path, name), size, nil
}

func (d *Devices) unknown(name string) error {
	if len(d.byName) == 0 {
		return fmt.Errorf("no block device %q is on offer, as none is: the administrator offers them with --block-device NAME=/dev/…", name)
	}
	return fmt.Errorf("no block device %q is on offer, only %s: the administrator offers them with --block-device NAME=/dev/…",
		name, strings.Join(slices.Sorted(maps.Keys(d.byName)), ", "))
}

func (d *Devices) measure(device Device) (int64, error) {
	d.opening.Lock()
	defer d.opening.Unlock()
	dir, err := d.root.Open(".")
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	file, err := open(int(dir.Fd()), device.Name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	number, err := numberOf(file)
	if err != nil {
		return 0, err
	}
	sequence, err := sequenceOf(device.sysfs)
	if err != nil {
		return 0, err
	}
	if number != device.number || sequence != device.sequence {
		return 0, errors.New("another disk is there than when the server was started: start it again")
	}
	return sizeOf(file)
}
