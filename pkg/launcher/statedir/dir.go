// SPDX-License-Identifier: Apache-2.0

package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/types"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

const (
	lockFile   = "lock"
	domainsDir = "domains"
	recordFile = "record.json"
	// dirMode lets QEMU, which runs as another user, pass through to files that it is given.
	dirMode = 0o711
)

// ErrLocked is returned where another launcher uses the directory.
var ErrLocked = errors.New("another launcher uses it")

// Dir is a launcher's state directory. It is safe for concurrent use on different instances.
type Dir struct {
	path string
	root *os.Root
	lock *os.File
}

// Open creates the directory at path if need be and takes it for this process alone. The error wraps
// ErrLocked where another process has it.
func Open(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := os.MkdirAll(path, dirMode); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	dir := &Dir{path: path, root: root}
	if err := dir.prepare(); err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("state directory %s: %w", path, err)
	}
	return dir, nil
}

func (d *Dir) prepare() error {
	lock, err := d.root.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return ErrLocked
		}
		return fmt.Errorf("lock: %w", err)
	}
	if err := d.root.MkdirAll(domainsDir, dirMode); err != nil {
		_ = lock.Close()
		return err
	}
	d.lock = lock
	return nil
}

// Close lets the directory go.
func (d *Dir) Close() error { return errors.Join(d.lock.Close(), d.root.Close()) }

// Path of the directory.
func (d *Dir) Path() string { return d.path }

// Records returns what is known of all instances. A directory without a readable record, as a crash of the
// node leaves it, is in broken, by its UID.
func (d *Dir) Records() (records []Record, broken []types.UID, err error) {
	entries, err := fs.ReadDir(d.root.FS(), domainsDir)
	if err != nil {
		return nil, nil, fmt.Errorf("state directory: %w", err)
	}
	for _, entry := range entries {
		if !entry.IsDir() || domain.CheckIdentity("a", "a", entry.Name()) != nil {
			continue // not made here
		}
		record, err := d.load(entry.Name())
		if err != nil {
			broken = append(broken, types.UID(entry.Name()))
			continue
		}
		records = append(records, *record)
	}
	return records, broken, nil
}

func (d *Dir) load(uid string) (*Record, error) {
	f, err := d.root.Open(filepath.Join(domainsDir, uid, recordFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxRecord+1))
	if err != nil {
		return nil, err
	}
	return parseRecord(raw, uid)
}

// Save stores the record of an instance, and makes its directory if need be. A crash of the launcher
// leaves the old record or the new one. A crash of the node may leave none, which costs nothing: no domain
// survives that either.
func (d *Dir) Save(record *Record) error {
	if err := domain.CheckIdentity(record.Namespace, record.Name, string(record.UID)); err != nil {
		return fmt.Errorf("save record: %w", err)
	}
	raw, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("save record: %w", err)
	}
	dir := filepath.Join(domainsDir, string(record.UID))
	if err := d.root.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("save record: %w", err)
	}
	temporary := filepath.Join(dir, recordFile+".new")
	if err := d.root.WriteFile(temporary, raw, 0o600); err != nil {
		return fmt.Errorf("save record: %w", err)
	}
	if err := d.root.Rename(temporary, filepath.Join(dir, recordFile)); err != nil {
		return fmt.Errorf("save record: %w", err)
	}
	return nil
}

// Remove removes all there is of an instance. Removing what is not there succeeds.
func (d *Dir) Remove(uid types.UID) error {
	if err := domain.CheckIdentity("a", "a", string(uid)); err != nil {
		return fmt.Errorf("remove state: %w", err)
	}
	if err := d.root.RemoveAll(filepath.Join(domainsDir, string(uid))); err != nil {
		return fmt.Errorf("remove state: %w", err)
	}
	return nil
}
