// SPDX-License-Identifier: Apache-2.0

package seed

import (
	"fmt"
	"os"
	"path"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
)

const (
	blockSize = 2048
	// sectorSize is the largest that a disk below the image has, which matters without a page cache.
	sectorSize = 4096
	// overhead of an image with a handful of files: descriptors, path tables and directories of three trees.
	overhead = 256 << 10
)

// Write makes the ISO image in f, which is empty, with Rock Ridge and Joliet names. workspace is an empty
// directory that nobody else can read; what is put there is the caller's to remove.
func (i *Image) Write(f *os.File, workspace string) error {
	iso, err := iso9660.Create(file.New(f, false), i.capacity(), 0, blockSize, workspace)
	if err != nil {
		return fmt.Errorf("seed %s: %w", i.Label, err)
	}
	for name, content := range i.Files {
		if err := add(iso, name, content); err != nil {
			return fmt.Errorf("seed %s: %s: %w", i.Label, name, err)
		}
	}
	options := iso9660.FinalizeOptions{RockRidge: true, Joliet: true, VolumeIdentifier: i.Label}
	if err := iso.Finalize(options); err != nil {
		return fmt.Errorf("seed %s: %w", i.Label, err)
	}
	return pad(f)
}

// pad fills the last sector up: the last file ends the image where its content ends.
func pad(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return f.Truncate(roundUp(info.Size(), sectorSize))
}

func roundUp(n, to int64) int64 { return (n + to - 1) / to * to }

func (i *Image) capacity() int64 {
	size := int64(overhead)
	for _, content := range i.Files {
		size += roundUp(int64(len(content)), blockSize)
	}
	return size
}

func add(iso *iso9660.FileSystem, name string, content []byte) error {
	if dir := path.Dir(name); dir != "." {
		if err := iso.Mkdir(dir); err != nil {
			return err
		}
	}
	out, err := iso.OpenFile(name, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return err
	}
	if _, err := out.Write(content); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
