// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const writableByOthers = 0o022

// secrets are the entries below which each file is trusted. The kubeconfig is not among them: it is only written.
func secrets() []string { return []string{"etcd", "pki"} }

// folders are entries below which guests and their programs write; they themselves are trusted. An administrator
// may have put one elsewhere.
func folders() []string {
	return []string{"containerdisks", "devices", "launcher", "launcher.log", "network", "volumes"}
}

// owners are root and one more user.
type owners struct{ uid int }

// checkWay checks all folders from the root to path: who can write one of them can put another in place of what
// is below. Sticky folders, such as /tmp, keep what is another's.
func (o owners) checkWay(path string) error {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := o.owned(dir)
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 && info.Mode().Perm()&writableByOthers != 0 && info.Mode()&fs.ModeSticky == 0 {
			return fmt.Errorf("other users can write %s (mode %04o), and so replace what is below: %s",
				dir, info.Mode().Perm(), remedy)
		}
		if dir == "/" {
			_, err := o.owned(path)
			return err
		}
	}
}

// checkContent checks the folder itself, all files below secrets, and folders.
func (o owners) checkContent(dir string) error {
	if err := o.closed(dir); err != nil {
		return err
	}
	for _, name := range secrets() {
		err := filepath.WalkDir(filepath.Join(dir, name), func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return o.closed(path)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, name := range folders() {
		if err := o.checkFolder(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (o owners) checkFolder(path string) error {
	if _, err := o.owned(path); err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if resolved != path {
		if err := o.checkWay(resolved); err != nil {
			return err
		}
	}
	return o.closed(resolved)
}

// closed refuses what others can write, and links.
func (o owners) closed(path string) error {
	info, err := o.owned(path)
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link, which is not followed: %s", path, remedy)
	case info.Mode().Perm()&writableByOthers != 0:
		return fmt.Errorf("other users can write %s (mode %04o): %s", path, info.Mode().Perm(), remedy)
	}
	return nil
}

func (o owners) owned(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if owner != 0 && int(owner) != o.uid {
		return nil, fmt.Errorf("%s belongs to another user (uid %d): %s", path, owner, remedy)
	}
	return info, nil
}

const remedy = "choose another directory with --data-dir, or remove this one if it is not yours"
