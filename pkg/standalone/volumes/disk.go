// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	cdiv1 "github.com/virt-apiserver/virt-apiserver/pkg/apis/cdi/v1beta1"
	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
)

const (
	diskName = "disk.img"
	diskMode = 0o600
)

// Locate returns the path of the claim's disk: absolute, free of symbolic links, a regular file, or the node of a
// device, of at least the claim's capacity. A claim that nothing was to fill gets an empty disk the first time. It is
// an error if the claim is not bound to this machine, was made for a DataVolume that has not filled it, or is being
// copied.
func (s *Store) Locate(_ context.Context, claim *corev1.PersistentVolumeClaim) (string, error) {
	path, err := s.locate(claim)
	if err == nil && s.copies.of(claim.UID) {
		err = errors.New("it is being copied; the instance goes on when that is done")
	}
	if err != nil {
		return "", fmt.Errorf("volume of claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	return path, nil
}

func (s *Store) locate(claim *corev1.PersistentVolumeClaim) (string, error) {
	if claim.Status.Phase != corev1.ClaimBound {
		return "", errors.New("the claim is not bound yet")
	}
	if takesDevice(claim) {
		return s.locateDevice(claim)
	}
	return filepath.Join(s.path, string(claim.UID), diskName), s.prepareDisk(claim)
}

func (s *Store) prepareDisk(claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName != volumeName(claim) {
		return fmt.Errorf("the claim is bound to %q, which is not on this machine: use a storage class of provisioner %s",
			claim.Spec.VolumeName, Provisioner)
	}
	dir, err := s.makeDir(claim.UID)
	if err != nil {
		return err
	}
	defer dir.Close()
	disk, err := openDisk(dir, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		disk, err = createDisk(dir, claim)
	}
	if err != nil {
		return err
	}
	defer disk.Close()
	return grow(disk, capacity(claim))
}

// createDisk makes the empty disk of a claim that nothing fills. A crash before it has its size does no
// harm: it grows the next time.
func createDisk(dir *os.Root, claim *corev1.PersistentVolumeClaim) (*os.File, error) {
	if _, ok := claim.Annotations[cdiv1.CreatedForDataVolumeAnnotation]; ok {
		return nil, errors.New("it is not filled: its DataVolume has to succeed first")
	}
	if claim.DeletionTimestamp != nil {
		return nil, errors.New("the claim is being deleted")
	}
	if err := checkSpace(dir); err != nil {
		return nil, fmt.Errorf("make the disk: %w", err)
	}
	disk, err := dir.OpenFile(diskName, os.O_RDWR|os.O_CREATE|os.O_EXCL, diskMode)
	if errors.Is(err, fs.ErrExist) {
		return openDisk(dir, os.O_RDWR)
	}
	if err != nil {
		return nil, fmt.Errorf("make the disk: %w", err)
	}
	return disk, nil
}

// checkSpace refuses a new disk where there is too little left for those that are there.
func checkSpace(dir *os.Root) error {
	file, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer file.Close()
	return diskspace.Check(file, 0)
}

// grow makes the disk at least size bytes large, without taking space for it.
func grow(disk *os.File, size int64) error {
	info, err := disk.Stat()
	if err != nil {
		return err
	}
	if info.Size() >= size {
		return nil
	}
	if err := disk.Truncate(size); err != nil {
		return fmt.Errorf("make the disk %d bytes large: %w", size, err)
	}
	return nil
}

// openDisk opens the disk in dir, to read or to write as flag says. It must be a regular file under its own name:
// os.Root would follow a symbolic link to another disk.
func openDisk(dir *os.Root, flag int) (*os.File, error) {
	disk, err := dir.OpenFile(diskName, flag, 0)
	if err != nil {
		return nil, err
	}
	if err := isNamed(dir, diskName, disk); err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	return disk, nil
}

// isNamed checks that name, in dir, is file itself and that file is a regular one.
func isNamed(dir *os.Root, name string, file *os.File) error {
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	named, err := dir.Lstat(name)
	if err != nil {
		return err
	}
	if !named.Mode().IsRegular() || !os.SameFile(opened, named) {
		return fmt.Errorf("%s is not a regular file: remove it", filepath.Join(dir.Name(), name))
	}
	return nil
}
