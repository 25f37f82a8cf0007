// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
)

const (
	reserveName = "reserve"
	// maxReserve is how much is set aside; less where the file system's floor is lower.
	maxReserve = 64 << 20
	// ahead is how much room the database has in its own file. It grows by 16 MiB at a time.
	ahead = 32 << 20
	// reservePeriod is how often the database is looked after. Filling what is ahead takes longer.
	reservePeriod = time.Second
)

// reserve keeps room for the database on a file system that guests and imports may fill: blocks that its own file has
// ahead of its end, and a file from which these are taken when there are no others. etcd ends where it can't write.
type reserve struct {
	root *os.Root
	dir  *os.File
	// floor is what stays free when the reserve is made.
	floor int64
}

func newReserve(root *os.Root, dir *os.File) (*reserve, error) {
	space, err := diskspace.Of(dir)
	if err != nil {
		return nil, err
	}
	return &reserve{root: root, dir: dir, floor: space.Floor()}, nil
}

// run looks after the room until ctx ends.
func (r *reserve) run(ctx context.Context) {
	ticker := time.NewTicker(reservePeriod)
	defer ticker.Stop()
	log := klog.FromContext(ctx)
	for told := ""; ; {
		failed := ""
		if err := r.keep(ctx); err != nil {
			failed = err.Error()
		}
		if failed != told && failed != "" {
			log.Error(errors.New(failed), "There may be no room for the database to grow: free some space")
		}
		told = failed
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// keep gives the database room ahead, out of the reserve where the file system has none, and fills up the reserve
// where it has plenty.
func (r *reserve) keep(ctx context.Context) error {
	err := r.advance()
	for errors.Is(err, unix.ENOSPC) {
		released, shrinkErr := r.shrink()
		if shrinkErr != nil || released == 0 {
			return errors.Join(err, shrinkErr)
		}
		klog.FromContext(ctx).Info("The file system is full: the database takes from its reserve", "bytes", released)
		err = r.advance()
	}
	return errors.Join(err, r.refill())
}

// advance gives the database's file blocks beyond its end.
func (r *reserve) advance() error {
	file, err := r.root.OpenFile(filepath.Join(dataName, "member", "snap", "db"), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, info.Size()+ahead)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("set room aside for the database: %w", err)
	}
	return nil
}

// shrink gives back so much of the reserve as the database takes at a time, and says how much.
func (r *reserve) shrink() (int64, error) {
	file, size, err := r.open()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	released := min(size, ahead)
	if released == 0 {
		return 0, nil
	}
	if err := file.Truncate(size - released); err != nil {
		return 0, fmt.Errorf("release the reserve: %w", err)
	}
	return released, nil
}

// refill makes the reserve as large as it should be, where that leaves as much as others must leave.
func (r *reserve) refill() error {
	file, size, err := r.open()
	if err != nil {
		return err
	}
	defer file.Close()
	want := min(maxReserve, r.floor)
	if size >= want || diskspace.Check(file, want-size) != nil {
		return nil
	}
	err = unix.Fallocate(int(file.Fd()), 0, 0, want)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSPC) {
		return file.Truncate(size)
	}
	return err
}

func (r *reserve) open() (*os.File, int64, error) {
	file, err := r.root.OpenFile(reserveName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open the reserve: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}
