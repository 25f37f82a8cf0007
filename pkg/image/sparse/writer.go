// SPDX-License-Identifier: Apache-2.0

package sparse

import (
	"bytes"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/virt-apiserver/virt-apiserver/pkg/diskspace"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// block is the unit in which zeros are looked for: a page, and the block size
// of the file systems in use.
const block = 4096

// Writer writes to a file that reads as zeros wherever it was not written yet.
// It is safe for concurrent use on ranges that do not overlap.
type Writer struct {
	file    *os.File
	size    int64
	space   *diskspace.Guard
	written atomic.Int64
	zeros   [block]byte
}

// NewWriter returns a Writer for the first size bytes of file.
func NewWriter(file *os.File, size int64) *Writer {
	return &Writer{file: file, size: size, space: diskspace.NewGuard(file)}
}

// Written returns the number of bytes that were written, zeros left out.
func (w *Writer) Written() int64 { return w.written.Load() }

// WriteAt writes p at off, except for whole blocks of zeros, which stay holes.
// No range may be written twice. It refuses to go beyond the size, and to leave too little space to others.
func (w *Writer) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || int64(len(p)) > w.size-off {
		return 0, fmt.Errorf("write %d bytes at %d: beyond the volume's %d bytes", len(p), off, w.size)
	}
	done := 0
	for done < len(p) {
		done += w.span(p[done:], off+int64(done), true)
		data := w.span(p[done:], off+int64(done), false)
		if data == 0 {
			continue
		}
		if err := w.space.Take(int64(data)); err != nil {
			return done, failure.FromWrite(err)
		}
		n, err := w.file.WriteAt(p[done:done+data], off+int64(done))
		w.written.Add(int64(n))
		if err != nil {
			return done + n, failure.FromWrite(err)
		}
		done += data
	}
	return done, nil
}

// span returns the length of the blocks at the start of p, which belongs at
// off, that hold zeros or, if zero is false, that hold data.
func (w *Writer) span(p []byte, off int64, zero bool) int {
	n := 0
	for n < len(p) {
		end := min(n+block-int((off+int64(n))%block), len(p))
		if bytes.Equal(p[n:end], w.zeros[:end-n]) != zero {
			break
		}
		n = end
	}
	return n
}
