// SPDX-License-Identifier: Apache-2.0

package statedir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
)

const (
	consoleLogFile = "console.log"
	nvramFile      = "nvram.fd"
	workspaceDir   = "workspace"
	// maxCache is the size in bytes of the largest small file; see Cache.
	maxCache = 64 << 10
)

// ConsoleLog is the path where what the guest writes to its serial console is collected.
func (d *Dir) ConsoleLog(uid types.UID) string { return d.file(uid, consoleLogFile) }

// NVRAM is the path of the firmware's variables.
func (d *Dir) NVRAM(uid types.UID) string { return d.file(uid, nvramFile) }

func (d *Dir) file(uid types.UID, name string) string {
	return filepath.Join(d.path, domainsDir, string(uid), name)
}

// MakeSeed has write fill a new file for a volume of an instance whose record is saved, and returns it,
// open. write also gets an empty directory to work in.
func (d *Dir) MakeSeed(uid types.UID, volume string, write func(f *os.File, workspace string) error) (*os.File, error) {
	workspace := filepath.Join(domainsDir, string(uid), workspaceDir)
	if err := d.root.RemoveAll(workspace); err != nil {
		return nil, fmt.Errorf("seed %s: %w", volume, err)
	}
	if err := d.root.Mkdir(workspace, 0o700); err != nil {
		return nil, fmt.Errorf("seed %s: %w", volume, err)
	}
	f, err := d.create(uid, volume, ".iso")
	if err != nil {
		return nil, fmt.Errorf("seed %s: %w", volume, err)
	}
	if err := errors.Join(write(f, d.file(uid, workspaceDir)), d.root.RemoveAll(workspace)); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("seed %s: %w", volume, err)
	}
	return f, nil
}

// MakeEmpty makes a sparse file of size bytes for a volume of an instance whose record is saved, and
// returns it, open.
func (d *Dir) MakeEmpty(uid types.UID, volume string, size int64) (*os.File, error) {
	f, err := d.create(uid, volume, ".img")
	if err != nil {
		return nil, fmt.Errorf("empty disk %s: %w", volume, err)
	}
	if err := errors.Join(diskspace.Check(f, 0), f.Truncate(size)); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("empty disk %s: %w", volume, err)
	}
	return f, nil
}

// create makes a new file in place of one that an interrupted start may have left. Its name is its full path.
func (d *Dir) create(uid types.UID, volume, suffix string) (*os.File, error) {
	name, err := fileName(uid, volume, suffix)
	if err != nil {
		return nil, err
	}
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}

func fileName(uid types.UID, volume, suffix string) (string, error) {
	if len(validation.IsDNS1123Label(volume)) > 0 {
		return "", fmt.Errorf("%q is no DNS label", volume)
	}
	return filepath.Join(domainsDir, string(uid), volume+suffix), nil
}

// Cache reads the small file name, which is the launcher's own and not an instance's.
func (d *Dir) Cache(name string) ([]byte, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxCache))
}

// SetCache writes the small file name, which is the launcher's own, and returns its path.
func (d *Dir) SetCache(name string, content []byte) (string, error) {
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return filepath.Join(d.path, name), d.root.WriteFile(name, content, 0o600)
}
