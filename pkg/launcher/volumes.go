// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// openBeneath opens the regular file at path, which must be below one of the roots with no symbolic link on
// its way from there.
func openBeneath(roots []string, path string, readOnly bool) (*os.File, error) {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return nil, fmt.Errorf("%q is no clean absolute path", path)
	}
	for _, root := range roots {
		if rest, ok := strings.CutPrefix(path, strings.TrimSuffix(root, "/")+"/"); ok {
			return openBelow(root, rest, path, readOnly)
		}
	}
	return nil, fmt.Errorf("%q is not below a volume root (%s)", path, strings.Join(roots, ", "))
}

func openBelow(root, rest, path string, readOnly bool) (*os.File, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("volume root: %w", err)
	}
	defer dir.Close()
	base, err := dir.Open(".")
	if err != nil {
		return nil, fmt.Errorf("volume root: %w", err)
	}
	defer base.Close()
	how := unix.OpenHow{
		Flags:   unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NONBLOCK, // a pipe must not block us
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	if !readOnly {
		how.Flags |= unix.O_RDWR
	}
	fd, err := unix.Openat2(int(base.Fd()), rest, &how)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("open %s: there is a symbolic link on the way, which is not followed", path)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// fileOf says how QEMU shall open f, which it finds at the path that f was opened by.
func fileOf(f *os.File, readOnly bool) domain.File {
	return domain.File{Path: f.Name(), ReadOnly: readOnly, DirectIO: takesDirectIO(f)}
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
