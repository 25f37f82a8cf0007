// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Prepare makes dir, an absolute path, or takes it as it is where only this process's user and root can have put
// something into it. Others may pass through it, but not look: QEMU runs as a user of its own and has to reach
// its disks below it.
func Prepare(dir string) error { return prepare(dir, os.Geteuid()) }

func prepare(dir string, uid int) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("make the data directory's parent: %w", err)
	}
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the data directory: %w; choose another with --data-dir", err)
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("use the data directory: %w", err)
	}
	trusted := owners{uid: uid}
	for _, path := range []string{dir, resolved} {
		if err := trusted.checkWay(path); err != nil {
			return fmt.Errorf("use the data directory: %w", err)
		}
	}
	if err := trusted.checkContent(resolved); err != nil {
		return fmt.Errorf("use the data directory: %w", err)
	}
	if err := os.Chmod(resolved, 0o711); err != nil {
		return fmt.Errorf("use the data directory: %w; run as its owner, or choose another with --data-dir", err)
	}
	return nil
}
