// SPDX-License-Identifier: Apache-2.0

package qcow2

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// spool keeps bytes of the image file that passed before it was known what
// they are. It is the end of the file that holds the volume, from base on:
// cutting that file to its proper size, which the caller does whatever
// happens, leaves nothing behind. Small amounts stay in memory.
type spool struct {
	file    *os.File
	base    int64
	limit   int64 // of the size
	flushed int64 // bytes in the file
	pending []byte
	runs    []run
}

// run is a range of the image file in the spool.
type run struct {
	host   int64
	length int64
	at     int64 // offset in the spool
}

func (r run) end() int64 { return r.host + r.length }

const (
	// spoolBuffer is how much stays in memory.
	spoolBuffer = 1 << 20
	// minFree is the least that is worth giving back early.
	minFree = 64 << 10
)

// size returns the number of bytes in the spool.
func (s *spool) size() int64 { return s.flushed + int64(len(s.pending)) }

// fill moves the next n bytes of r, which are at host in the image file, into
// the spool. The ranges come in rising order.
func (s *spool) fill(r *bufio.Reader, host, n int64) error {
	for n > 0 {
		chunk, err := r.Peek(int(min(n, chunkSize)))
		if len(chunk) == 0 {
			return err
		}
		if err := s.add(chunk, host); err != nil {
			return err
		}
		host, n = host+int64(len(chunk)), n-int64(len(chunk))
		discard(r, len(chunk))
	}
	return nil
}

func (s *spool) add(p []byte, host int64) error {
	if s.size()+int64(len(p)) > s.limit {
		return fragmented("the tables for more than %d bytes come behind what they map", s.limit)
	}
	if len(s.pending)+len(p) > spoolBuffer {
		if err := s.flush(); err != nil {
			return err
		}
	}
	at := s.size()
	s.pending = append(s.pending, p...)
	if last := len(s.runs) - 1; last >= 0 && s.runs[last].end() == host {
		s.runs[last].length += int64(len(p))
		return nil
	}
	s.runs = append(s.runs, run{host: host, length: int64(len(p)), at: at})
	return nil
}

func (s *spool) flush() error {
	if err := diskspace.Check(s.file, int64(len(s.pending))); err != nil {
		return failure.FromWrite(err)
	}
	n, err := s.file.WriteAt(s.pending, s.base+s.flushed)
	s.flushed += int64(n)
	if err != nil {
		return failure.FromWrite(err)
	}
	s.pending = s.pending[:0]
	return nil
}

// find returns the range of the spool that begins with host.
func (s *spool) find(host int64) (run, bool) {
	i, found := slices.BinarySearchFunc(s.runs, host, func(r run, host int64) int {
		switch {
		case r.end() <= host:
			return -1
		case r.host > host:
			return 1
		}
		return 0
	})
	if !found {
		return run{}, false
	}
	r := s.runs[i]
	skip := host - r.host
	return run{host: host, length: r.length - skip, at: r.at + skip}, true
}

// read reads len(p) bytes, all of which are in the spool.
func (s *spool) read(p []byte, at int64) error {
	if at < s.flushed {
		n := int(min(int64(len(p)), s.flushed-at))
		if _, err := s.file.ReadAt(p[:n], s.base+at); err != nil {
			return fmt.Errorf("read back what was set aside: %w", err)
		}
		p, at = p[n:], at+int64(n)
	}
	if len(p) > 0 {
		copy(p, s.pending[at-s.flushed:])
	}
	return nil
}

// free gives the space of a range that is not needed any more back to the file
// system, if that can do it: else it waits for the end.
func (s *spool) free(at, n int64) error {
	n = min(n, s.flushed-at)
	if n < minFree {
		return nil
	}
	err := unix.Fallocate(int(s.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, s.base+at, n)
	if err == nil || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return failure.FromWrite(err)
}

// drop empties the spool.
func (s *spool) drop() error {
	if s.flushed > 0 {
		if err := s.file.Truncate(s.base); err != nil {
			return failure.FromWrite(err)
		}
	}
	*s = spool{file: s.file, base: s.base, limit: s.limit}
	return nil
}
