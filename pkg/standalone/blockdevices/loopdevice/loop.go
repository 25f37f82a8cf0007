// SPDX-License-Identifier: Apache-2.0

package loopdevice

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Loop is a loop device, which goes when the test ends.
type Loop struct {
	// Path such as /dev/loop0.
	Path string
	// File holds its content.
	File string
}

// Make makes one of that many bytes.
func Make(t testing.TB, size int64) *Loop {
	t.Helper()
	defer lock(t)()
	l := &Loop{File: newFile(t, size)}
	// The kernel counts free ones and another may be faster, which losetup sees to.
	output, err := exec.CommandContext(t.Context(), losetup(), "--find", "--show", l.File).CombinedOutput()
	require.NoError(t, err, "%s", output)
	l.Path = strings.TrimSpace(string(output))
	t.Cleanup(func() {
		output, err := exec.Command(losetup(), "--detach", l.Path).CombinedOutput()
		assert.NoError(t, err, "%s", output)
	})
	return l
}

// Replace gives the device another file, as where a disk is taken out and another put in.
func (l *Loop) Replace(t testing.TB, size int64) {
	t.Helper()
	defer lock(t)()
	l.File = newFile(t, size)
	for _, args := range [][]string{{"--detach", l.Path}, {l.Path, l.File}} {
		output, err := exec.CommandContext(t.Context(), losetup(), args...).CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
}

// Read returns what the file begins with.
func (l *Loop) Read(t testing.TB, length int) string {
	t.Helper()
	content, err := os.ReadFile(l.File)
	require.NoError(t, err)
	return string(content[:length])
}

// Mount makes a file system on the device and mounts it until the test ends.
func (l *Loop) Mount(t testing.TB) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "/sbin/mkfs.ext4", "-q", l.Path).CombinedOutput()
	require.NoError(t, err, "%s", output)
	dir := t.TempDir()
	require.NoError(t, unix.Mount(l.Path, dir, "ext4", 0, ""))
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, 0)) })
}

func newFile(t testing.TB, size int64) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "loop-*.img")
	require.NoError(t, err)
	require.NoError(t, file.Truncate(size))
	require.NoError(t, file.Close())
	return file.Name()
}

// lock keeps the tests of other packages from taking a device that is free for a moment.
func lock(t testing.TB) (unlock func()) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(os.TempDir(), "virt-apiserver-loop.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	require.NoError(t, unix.Flock(int(file.Fd()), unix.LOCK_EX))
	return func() { _ = file.Close() }
}

// losetup is not on the path of every user.
func losetup() string {
	for _, path := range []string{"/usr/sbin/losetup", "/sbin/losetup"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return "losetup"
}
