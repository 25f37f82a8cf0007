// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	corev1 "k8s.io/api/core/v1"
)

// targetName is the disk's name while it is being filled.
const targetName = "disk.img.import"

// Filled says whether the claim has its disk.
func (s *Store) Filled(claim *corev1.PersistentVolumeClaim) (bool, error) {
	dir, err := s.openDir(claim.UID)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, targetError(claim, "look at the disk", err)
	}
	defer dir.Close()
	disk, err := openDisk(dir, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, targetError(claim, "look at the disk", err)
	}
	return true, disk.Close()
}

// OpenTarget returns a new, empty file for the content of the claim's disk. What an earlier attempt left is
// removed; whoever still writes to it does no harm. The file becomes the disk with Commit.
func (s *Store) OpenTarget(claim *corev1.PersistentVolumeClaim) (*os.File, error) {
	if takesDevice(claim) {
		return nil, targetError(claim, "open", errNotFilled)
	}
	dir, err := s.makeDir(claim.UID)
	if err != nil {
		return nil, targetError(claim, "open", err)
	}
	defer dir.Close()
	if err := dir.Remove(targetName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, targetError(claim, "remove what an earlier import left", err)
	}
	target, err := dir.OpenFile(targetName, os.O_RDWR|os.O_CREATE|os.O_EXCL, diskMode)
	if err != nil {
		return nil, targetError(claim, "open", err)
	}
	return target, nil
}

// Commit makes target, complete now, the disk of the claim, durably. It does not close target.
func (s *Store) Commit(claim *corev1.PersistentVolumeClaim, target *os.File) error {
	dir, err := s.openDir(claim.UID)
	if err != nil {
		return targetError(claim, "commit", err)
	}
	defer dir.Close()
	return targetError(claim, "commit", s.commit(dir, target))
}

func (s *Store) commit(dir *os.Root, target *os.File) error {
	if err := isNamed(dir, targetName, target); err != nil {
		return err
	}
	if _, err := dir.Lstat(diskName); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(errors.New("there is a disk already"), err)
	}
	if err := target.Sync(); err != nil {
		return err
	}
	if err := dir.Rename(targetName, diskName); err != nil {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(s.root))
}

// Discard removes what was written to the claim's target. A disk that is complete stays.
func (s *Store) Discard(claim *corev1.PersistentVolumeClaim) error {
	dir, err := s.openDir(claim.UID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return targetError(claim, "discard", err)
	}
	defer dir.Close()
	if err := dir.Remove(targetName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return targetError(claim, "discard", err)
	}
	// With nothing else in it the directory goes too.
	err = s.root.Remove(string(claim.UID))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) {
		return nil
	}
	return targetError(claim, "discard", err)
}

func targetError(claim *corev1.PersistentVolumeClaim, doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("volume of claim %s/%s: %s: %w", claim.Namespace, claim.Name, doing, err)
}
