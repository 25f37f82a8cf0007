// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/gzip"
)

// members reads gzip data as gzip does: one member after another, up to whatever begins no member, which is
// ignored. Images of OpenWrt end in such a tail. It is read all the same, for the checksum of the whole.
type members struct {
	in     *bufio.Reader
	member *gzip.Reader
	// atTail is true once the last member is over.
	atTail bool
	// ignored is how long the tail is.
	ignored int64
}

func newMembers(r io.Reader) (*members, error) {
	// The member reads from in byte by byte, and no further than its end.
	in := bufio.NewReaderSize(r, readSize)
	member, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &members{in: in, member: member}, nil
}

func (m *members) Read(p []byte) (int, error) {
	for !m.atTail {
		n, err := m.member.Read(p)
		if n > 0 && err == io.EOF {
			err = nil // it comes again
		}
		if n > 0 || err != io.EOF {
			return n, err
		}
		if err := m.next(); err != nil {
			return 0, err
		}
	}
	n, err := io.Copy(io.Discard, m.in)
	m.ignored += n
	if err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// next begins the next member, or the tail.
func (m *members) next() error {
	head, err := m.in.Peek(2)
	if err != nil && err != io.EOF {
		return err
	}
	if len(head) == 0 || head[0] != 0x1f || len(head) == 2 && head[1] != 0x8b {
		m.atTail = true
		return nil
	}
	if err := m.member.Reset(m.in); err != nil {
		return err
	}
	m.member.Multistream(false)
	return nil
}
