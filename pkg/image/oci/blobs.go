// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/beneath"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// maxArchived is how many files an archive may have.
const maxArchived = 10_000

// blobs are the files of an OCI layout.
type blobs interface {
	open(name string) (io.ReadCloser, error)
}

func blobsOf(file *os.File, archive bool) (blobs, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, failure.Transient(failure.ImportFailed, "look at the image: %w", err)
	}
	switch {
	case !archive && info.IsDir():
		return directory{file}, nil
	case archive && info.Mode().IsRegular():
		return indexArchive(file, info.Size())
	case archive:
		return nil, failure.Permanent(failure.InvalidRequest, "%s is no archive: is it a directory, oci-layout:PATH?", file.Name())
	}
	return nil, failure.Permanent(failure.InvalidRequest, "%s is no directory: is it an archive, oci-archive:PATH?", file.Name())
}

// directory is a layout in a directory.
type directory struct{ *os.File }

func (d directory) open(name string) (io.ReadCloser, error) {
	f, err := beneath.RegularAt(d.File, name, unix.O_RDONLY)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w; make it readable for everyone", err)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// archived is a layout in a tar archive, which is not compressed: its files are read where they lie.
type archived map[string]*io.SectionReader

func (a archived) open(name string) (io.ReadCloser, error) {
	section, ok := a[name]
	if !ok {
		return nil, fmt.Errorf("the archive has no file %s", name)
	}
	return io.NopCloser(io.NewSectionReader(section, 0, section.Size())), nil
}

// indexArchive notes where the files of the archive are. Only plain files count.
func indexArchive(file *os.File, size int64) (archived, error) {
	place := io.NewSectionReader(file, 0, size)
	in, found := tar.NewReader(place), archived{}
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, failure.Permanent(failure.CorruptImage, "%s is no plain tar archive: %v", file.Name(), err)
		}
		if header.Typeflag != tar.TypeReg || isSparse(header) {
			continue
		}
		if len(found) == maxArchived {
			return nil, failure.Permanent(failure.CorruptImage, "%s has more than %d files", file.Name(), maxArchived)
		}
		at, err := place.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, failure.Transient(failure.ImportFailed, "read %s: %w", file.Name(), err)
		}
		found[path.Clean(header.Name)] = io.NewSectionReader(file, at, header.Size)
	}
}

// isSparse says whether the content of an entry is not simply what lies in the archive.
func isSparse(header *tar.Header) bool {
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}
