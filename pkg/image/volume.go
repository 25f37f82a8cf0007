// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/sparse"
)

// sector is the unit of a disk's size.
const sector = 512

// volume is the target while it is filled.
type volume struct {
	file   *os.File
	size   int64
	fit    bool
	plain  bool
	writer *sparse.Writer
}

// newVolume empties the target and gives it its size, and its space if that is
// to be reserved. When it fails the target is empty.
func newVolume(opts Options) (*volume, error) {
	if opts.Size <= 0 {
		return nil, failure.Permanent(failure.InvalidRequest, "the size of the volume is %d bytes: request more than 0", opts.Size)
	}
	info, err := opts.Target.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at the target: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, failure.Permanent(failure.InvalidRequest, "the target is a %s, not a regular file", info.Mode().Type())
	}
	v := &volume{file: opts.Target, size: opts.Size, fit: opts.Fit, plain: opts.plain, writer: sparse.NewWriter(opts.Target, opts.Size)}
	if err := v.reserve(opts.Preallocate); err != nil {
		return nil, v.abandon(err)
	}
	return v, nil
}

func (v *volume) reserve(all bool) error {
	needed := int64(0)
	if all {
		needed = v.size
	}
	if err := v.file.Truncate(0); err != nil {
		return failure.FromWrite(err)
	}
	if err := diskspace.Check(v.file, needed); err != nil {
		return failure.FromWrite(err)
	}
	if err := v.file.Truncate(v.size); err != nil {
		return failure.FromWrite(err)
	}
	if !all {
		return nil
	}
	err := unix.Fallocate(int(v.file.Fd()), 0, 0, v.size)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EOPNOTSUPP):
		return failure.Permanent(failure.PreallocationUnsupported,
			"the storage cannot reserve space for a file: leave preallocation out, or choose another storage class (%w)", err)
	}
	return failure.FromWrite(err)
}

// finish gives the volume its exact size, which for one that fits is that of
// the disk in it, and brings it to stable storage.
func (v *volume) finish(disk int64) error {
	size := v.size
	switch {
	case v.plain:
		size = disk
	case v.fit:
		size = (disk + sector - 1) / sector * sector
	}
	if err := v.file.Truncate(size); err != nil {
		return failure.FromWrite(err)
	}
	if err := v.file.Sync(); err != nil {
		return failure.FromWrite(err)
	}
	return nil
}

// abandon empties the target, as filling it failed with err, which it returns.
func (v *volume) abandon(err error) error {
	typed := failure.From(err)
	if terr := v.file.Truncate(0); terr != nil {
		return failure.Transient(typed.Reason, "%w; and the volume could not be emptied: %w", typed, terr)
	}
	return typed
}
