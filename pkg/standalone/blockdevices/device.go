// SPDX-License-Identifier: Apache-2.0

package blockdevices

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Device is a block device as it was when it was found.
type Device struct {
	// Name by which claims ask for it.
	Name string
	// Path by which the administrator named it.
	Path string

	number uint64
	// sysfs is its directory there: that of a partition lies in that of its disk.
	sysfs string
	// sequence tells a disk from the one that had its number before; empty where the kernel does not count.
	sequence string
}

// Find resolves path. It is an error where that is no block device, or one that the machine itself uses.
func Find(name, path string) (Device, error) {
	file, err := open(unix.AT_FDCWD, path)
	if err != nil {
		return Device{}, err
	}
	defer file.Close()
	number, err := numberOf(file)
	if err != nil {
		return Device{}, err
	}
	sysfs, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(number), unix.Minor(number)))
	if err != nil {
		return Device{}, fmt.Errorf("look for the device of %s: %w", path, err)
	}
	sequence, err := sequenceOf(sysfs)
	if err != nil {
		return Device{}, fmt.Errorf("look for the device of %s: %w", path, err)
	}
	return Device{Name: name, Path: path, number: number, sysfs: sysfs, sequence: sequence}, nil
}

// overlaps says whether the two share blocks, as far as partitions go.
func (d Device) overlaps(other Device) bool {
	return d.sysfs == other.sysfs ||
		strings.HasPrefix(d.sysfs, other.sysfs+"/") || strings.HasPrefix(other.sysfs, d.sysfs+"/")
}

// open opens a device by itself: while the machine has a file system on it, or has made it a part of another
// device, that is refused. A guest that has it is no obstacle.
func open(dir int, path string) (*os.File, error) {
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_EXCL|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, fmt.Errorf("%s is in use by the machine itself: unmount it, or take it out of what it is a part of", path)
	case err != nil:
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func numberOf(file *os.File) (uint64, error) {
	var info unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &info); err != nil {
		return 0, fmt.Errorf("look at %s: %w", file.Name(), err)
	}
	if info.Mode&unix.S_IFMT != unix.S_IFBLK {
		return 0, fmt.Errorf("%s is no block device", file.Name())
	}
	return info.Rdev, nil
}

func sizeOf(file *os.File) (int64, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", file.Name(), err)
	}
	return size, nil
}

// sequenceOf is the disk's, also for a partition of it.
func sequenceOf(sysfs string) (string, error) {
	for _, dir := range []string{sysfs, filepath.Dir(sysfs)} {
		sequence, err := os.ReadFile(filepath.Join(dir, "diskseq"))
		if !errors.Is(err, fs.ErrNotExist) {
			return string(sequence), err
		}
	}
	return "", nil
}
