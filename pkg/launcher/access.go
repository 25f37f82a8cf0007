// SPDX-License-Identifier: Apache-2.0

package launcher

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/virt-apiserver/virt-apiserver/pkg/launcher/domain"
)

// accessRemedy says what to do where QEMU, which runs as a user of its own, may not have been let through to
// a file: libvirt gives it the files, but not the directories above them. What QEMU or libvirt say of it varies.
func (m *Manager) accessRemedy(files map[string]domain.File) string {
	paths := []string{m.state.Path()}
	for _, file := range files {
		paths = append(paths, filepath.Dir(file.Path))
	}
	for _, path := range paths {
		if closed := closedDirectory(path); closed != "" {
			return fmt.Sprintf("other users, such as QEMU's, can't pass through the directory %s; allow it with: chmod o+x %s", closed, closed)
		}
	}
	return ""
}

// closedDirectory returns the first directory on the way to path, and path itself, that others can't search.
func closedDirectory(path string) string {
	if parent := filepath.Dir(path); parent != path {
		if closed := closedDirectory(parent); closed != "" {
			return closed
		}
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o001 == 0 {
		return path
	}
	return ""
}
