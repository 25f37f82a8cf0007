// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/beneath"
)

// openBeneath opens the regular file at path, which must be below one of the roots with no symbolic link on
// its way from there.
func openBeneath(roots []string, path string, readOnly bool) (*os.File, error) {
	if readOnly {
		return beneath.Regular(roots, path, unix.O_RDONLY)
	}
	return beneath.Regular(roots, path, unix.O_RDWR)
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
