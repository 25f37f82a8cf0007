// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/types"
)

// makeDir opens the directory of a claim and makes it where it is missing.
func (s *Store) makeDir(uid types.UID) (*os.Root, error) {
	if !isUID(string(uid)) {
		return nil, notUID(uid)
	}
	if err := s.root.Mkdir(string(uid), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make its directory: %w", err)
	}
	dir, err := s.openDir(uid)
	if err != nil {
		return nil, err
	}
	// The umask must not keep QEMU out.
	if err := dir.Chmod(".", dirMode); err != nil {
		return nil, errors.Join(fmt.Errorf("let QEMU pass its directory: %w", err), dir.Close())
	}
	return dir, nil
}

// openDir opens the directory of a claim, which must be one under its own name: os.Root would follow a
// symbolic link to another claim's. Where it is missing, the error is fs.ErrNotExist.
func (s *Store) openDir(uid types.UID) (*os.Root, error) {
	name := string(uid)
	if !isUID(name) {
		return nil, notUID(uid)
	}
	dir, err := s.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if err := s.isNamed(name, dir); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

func (s *Store) isNamed(name string, dir *os.Root) error {
	opened, err := dir.Stat(".")
	if err != nil {
		return err
	}
	named, err := s.root.Lstat(name)
	if err != nil {
		return err
	}
	if !named.IsDir() || !os.SameFile(opened, named) {
		return fmt.Errorf("%s is not a directory: remove it", filepath.Join(s.path, name))
	}
	return nil
}

// syncDir makes the names in dir durable.
func syncDir(dir *os.Root) error {
	file, err := dir.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func notUID(uid types.UID) error {
	return fmt.Errorf("%q is not the UID of a claim", uid)
}
