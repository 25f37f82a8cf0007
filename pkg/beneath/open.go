// SPDX-License-Identifier: Apache-2.0

package beneath

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Open opens what is at path, which is absolute and clean and lies below one of the roots, with flags of
// open(2). The roots themselves are trusted. A path outside of them is an error that names them.
func Open(roots []string, path string, flags int) (*os.File, error) {
	root, rest, err := Split(roots, path)
	if err != nil {
		return nil, err
	}
	dir, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return OpenAt(dir, rest, flags)
}

// Split returns the root that path lies below, and the rest of path.
func Split(roots []string, path string) (root, rest string, err error) {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return "", "", fmt.Errorf("%q is no clean absolute path", path)
	}
	for _, root := range roots {
		if rest, ok := strings.CutPrefix(path, strings.TrimSuffix(root, "/")+"/"); ok {
			return root, rest, nil
		}
	}
	if len(roots) == 0 {
		return "", "", fmt.Errorf("%q is not below an allowed folder: none is allowed", path)
	}
	return "", "", fmt.Errorf("%q is not below an allowed folder (%s)", path, strings.Join(roots, ", "))
}

// OpenAt opens what is at the relative path rest below dir. A pipe or a device does not block it.
func OpenAt(dir *os.File, rest string, flags int) (*os.File, error) {
	path := filepath.Join(dir.Name(), rest)
	fd, err := unix.Openat2(int(dir.Fd()), rest, &unix.OpenHow{
		Flags:   uint64(flags) | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NONBLOCK,
		Mode:    mode(flags),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("open %s: there is a symbolic link on the way, which is not followed", path)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// mode of a file that is made: its owner's alone.
func mode(flags int) uint64 {
	if flags&unix.O_CREAT != 0 {
		return 0o600
	}
	return 0
}

// Regular is Open for what has to be a regular file.
func Regular(roots []string, path string, flags int) (*os.File, error) {
	f, err := Open(roots, path, flags)
	if err != nil {
		return nil, err
	}
	return regular(f)
}

// Device is Open for what has to be a block device.
func Device(roots []string, path string, flags int) (*os.File, error) {
	f, err := Open(roots, path, flags)
	if err != nil {
		return nil, err
	}
	return checked(f, "block device", func(mode os.FileMode) bool { return mode.Type() == os.ModeDevice })
}

// RegularAt is OpenAt for what has to be a regular file.
func RegularAt(dir *os.File, rest string, flags int) (*os.File, error) {
	f, err := OpenAt(dir, rest, flags)
	if err != nil {
		return nil, err
	}
	return regular(f)
}

func regular(f *os.File) (*os.File, error) {
	return checked(f, "regular file", os.FileMode.IsRegular)
}

func checked(f *os.File, kind string, is func(os.FileMode) bool) (*os.File, error) {
	info, err := f.Stat()
	if err == nil && !is(info.Mode()) {
		err = fmt.Errorf("%s is no %s", f.Name(), kind)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
