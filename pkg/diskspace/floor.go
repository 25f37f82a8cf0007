// SPDX-License-Identifier: Apache-2.0

package diskspace

import (
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// maxFloor is what is left free of a large file system.
	maxFloor = 1 << 30
	// floorShare is the part of a small one, one in so many.
	floorShare = 20
	// step is how much is written between two looks.
	step = 1 << 20
)

// Space is what a file system has, in bytes.
type Space struct {
	// Total is 0 where the file system does not tell.
	Total int64
	// Free is what others than root may take.
	Free int64
}

// Of returns the space of the file system of file.
func Of(file *os.File) (Space, error) {
	var stat unix.Statfs_t
	if err := unix.Fstatfs(int(file.Fd()), &stat); err != nil {
		return Space{}, fmt.Errorf("ask for the free space of %s: %w", file.Name(), err)
	}
	return Space{Total: int64(stat.Blocks) * stat.Bsize, Free: int64(stat.Bavail) * stat.Bsize}, nil
}

// Floor is how much is to stay free.
func (s Space) Floor() int64 { return min(maxFloor, s.Total/floorShare) }

// LowError is that no more may be taken.
type LowError struct {
	Space
	// Wanted is how many bytes were to be taken.
	Wanted int64
}

func (e *LowError) Error() string {
	return fmt.Sprintf("the file system has %d MiB left, of which %d MiB are kept free, and %d MiB are needed: free some",
		e.Free>>20, e.Floor()>>20, (e.Wanted+step-1)>>20)
}

// Is makes it a lack of space, as the system tells it.
func (e *LowError) Is(target error) bool { return target == unix.ENOSPC }

// Check returns a *LowError where taking so many bytes would leave too little.
func Check(file *os.File, bytes int64) error {
	space, err := Of(file)
	if err != nil {
		return err
	}
	if space.Total > 0 && space.Free-bytes < space.Floor() {
		return &LowError{space, bytes}
	}
	return nil
}

// Guard looks now and then while a file grows. It is safe for concurrent use.
type Guard struct {
	file  *os.File
	ahead atomic.Int64
}

// NewGuard returns a guard of the file system of file.
func NewGuard(file *os.File) *Guard { return &Guard{file: file} }

// Take is called before so many bytes are written. The error is a *LowError where they must not be.
func (g *Guard) Take(bytes int64) error {
	if g.ahead.Add(-bytes) >= 0 {
		return nil
	}
	if err := Check(g.file, max(bytes, step)); err != nil {
		return err
	}
	g.ahead.Store(max(bytes, step) - bytes)
	return nil
}
