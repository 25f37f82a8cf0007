// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const lockName = "lock"

// acquireLock takes the lock of the directory for as long as the file that it returns stays open. It never
// waits. The file is not removed on release: a second server could then lock a file that has no name any more.
func acquireLock(root *os.Root) (*os.File, error) {
	f, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := lockFor(f, os.Getpid()); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is in use by another server (process %s): stop it, or choose another data directory",
				root.Name(), holder(root))
		}
		return nil, fmt.Errorf("lock %s: %w", root.Name(), err)
	}
	return f, nil
}

func lockFor(f *os.File, pid int) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(pid)+"\n"), 0)
	return err
}

func holder(root *os.Root) string {
	f, err := root.Open(lockName)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	pid, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil || len(pid) == 0 {
		return "unknown"
	}
	return strings.TrimSpace(string(pid))
}
