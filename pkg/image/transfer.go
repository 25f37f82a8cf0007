// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"errors"
	"hash"
	"io"
	"sync"
	"sync/atomic"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
	"github.com/virt-apiserver/virt-apiserver/pkg/image/source"
)

// transfer reads the bytes of the source as they come: it counts and digests
// them, and remembers why they ended.
type transfer struct {
	ctx      context.Context // of the import; ends the transfer between two reads
	stream   Stream
	limit    int64 // of count
	count    atomic.Int64
	checksum source.Checksum
	digest   hash.Hash // nil if no checksum is expected

	mu     sync.Mutex // some decompressors read ahead in a goroutine of theirs
	broken error      // why the source ended too early
}

// errBroken is what the later steps see in place of the source's own error,
// which they could take for something else.
var errBroken = errors.New("the source broke off")

// newTransfer returns a transfer of at most limit bytes.
func newTransfer(ctx context.Context, s Stream, limit int64) (*transfer, error) {
	t := &transfer{ctx: ctx, stream: s, limit: limit}
	if s.Checksum == "" {
		return t, nil
	}
	var err error
	if t.checksum, err = source.ParseChecksum(s.Checksum); err != nil {
		return nil, failure.Permanent(failure.InvalidRequest, "%w", err)
	}
	t.digest = t.checksum.Hash()
	return t, nil
}

func (t *transfer) Read(p []byte) (int, error) {
	if cause := context.Cause(t.ctx); cause != nil {
		return 0, t.breakOff(cause)
	}
	n, err := t.stream.Reader.Read(p)
	if t.count.Add(int64(n)) > t.limit {
		return n, t.breakOff(tooLong(t.limit))
	}
	if t.digest != nil {
		t.digest.Write(p[:n])
	}
	// Only io.EOF itself is the end: an error that wraps it is not.
	if err != nil && err != io.EOF {
		err = t.breakOff(err)
	}
	return n, err
}

func (t *transfer) breakOff(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken == nil {
		t.broken = err
	}
	return errBroken
}

// cause returns the reason for err, which a later step met: where the source
// broke off, it is that and not what the step made of the missing bytes.
func (t *transfer) cause(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.broken == nil:
		return err
	case errors.Is(t.broken, io.ErrUnexpectedEOF) && !errors.As(t.broken, new(*Error)):
		return failure.Transient(failure.Truncated, "the transfer was cut after %d bytes: send the image again", t.count.Load())
	}
	return t.broken
}

// verify compares the checksum once all was read, and returns it.
func (t *transfer) verify() (string, error) {
	if t.digest == nil {
		return "", nil
	}
	sum := t.digest.Sum(nil)
	got := source.Format(t.checksum.Algorithm, sum)
	if !t.checksum.Matches(sum) {
		return "", failure.Permanent(failure.ChecksumError,
			"the image's checksum is %s, expected %s: check that the checksum belongs to this file, as it is transferred", got, t.checksum)
	}
	return got, nil
}
