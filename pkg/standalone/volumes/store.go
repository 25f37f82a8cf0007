// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
)

const (
	dirMode = 0o711
	// removedPrefix marks a directory that is being removed.
	removedPrefix = ".removed-"
)

// Store keeps disks in files below one directory. Its methods may be called at once, except that one disk
// is filled by one import at a time. Each can be repeated after a crash at any point of it.
type Store struct {
	root   *os.Root
	path   string
	copies copies
	// writer names an instance that may write to the claim now; a Controller sets it.
	writer func(context.Context, *corev1.PersistentVolumeClaim) (string, error)
	// devices that claims may have in place of files; nil where there are none.
	devices Devices
}

// Open opens the store in the directory path, which is made where it is missing. Its parent must exist.
func Open(path string) (*Store, error) {
	if err := os.Mkdir(path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the volume directory: %w", err)
	}
	// The launcher compares paths below it literally.
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("open the volume directory: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("open the volume directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open the volume directory: %w", err)
	}
	if err := root.Chmod(".", dirMode); err != nil {
		return nil, errors.Join(fmt.Errorf("let QEMU pass the volume directory: %w", err), root.Close())
	}
	return &Store{root: root, path: path}, nil
}

// Path is the directory of the store: absolute and free of symbolic links.
func (s *Store) Path() string { return s.path }

// Close closes the store and the devices that it offers; files that it gave out stay open.
func (s *Store) Close() error {
	if s.devices == nil {
		return s.root.Close()
	}
	return errors.Join(s.root.Close(), s.devices.Close())
}

// free is how many bytes the file system has left for the store.
func (s *Store) free() (int64, error) {
	dir, err := s.root.Open(".")
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	space, err := diskspace.Of(dir)
	return space.Free, err
}

// claims lists the UIDs of the claims that have a directory.
func (s *Store) claims() ([]types.UID, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	var uids []types.UID
	for _, name := range names {
		if isUID(name) {
			uids = append(uids, types.UID(name))
		}
	}
	return uids, nil
}

// remove removes what the store has of a claim. The directory first leaves the claim's name, at once and as
// a whole, so that nobody finds half a volume.
func (s *Store) remove(uid types.UID) error {
	if !isUID(string(uid)) {
		return notUID(uid)
	}
	removed := removedPrefix + string(uid)
	if err := s.root.RemoveAll(removed); err != nil {
		return fmt.Errorf("remove volume %s: %w", uid, err)
	}
	if err := s.root.Rename(string(uid), removed); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove volume %s: %w", uid, err)
	}
	if err := s.root.RemoveAll(removed); err != nil {
		return fmt.Errorf("remove volume %s: %w", uid, err)
	}
	return nil
}

// finishRemovals completes the removals that a crash cut short.
func (s *Store) finishRemovals() error {
	names, err := s.names()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if uid, ok := strings.CutPrefix(name, removedPrefix); ok && isUID(uid) {
			errs = append(errs, s.root.RemoveAll(name))
		}
	}
	return errors.Join(errs...)
}

func (s *Store) names() ([]string, error) {
	dir, err := s.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	return names, nil
}

// isUID tells the API server's UIDs from whatever else may lie in the directory.
func isUID(name string) bool {
	return len(name) == 36 && uuid.Validate(name) == nil
}
