// SPDX-License-Identifier: Apache-2.0

package qcow2

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/virt-apiserver/virt-apiserver/pkg/image/failure"
)

// handle brings the stream to next and takes it in.
func (d *decoder) handle(next item) error {
	if next.kind == kindSkip {
		return d.skip(next)
	}
	if next.kind == kindRefTable {
		return d.refTable(next)
	}
	if err := d.advance(next.host); err != nil {
		return err
	}
	switch next.kind {
	case kindL1:
		return d.l1Table(next)
	case kindL2:
		return d.l2Table(next)
	case kindCompressed:
		return d.compressed(next)
	}
	return d.data(next)
}

// advance brings the stream to offset to. While a table is still to come, what
// lies between may be mapped by it and is set aside.
func (d *decoder) advance(to int64) error {
	gap := to - d.pos
	if gap < 0 {
		return corrupt("the cluster at %#x has two uses", to)
	}
	if d.tables == 0 {
		return d.discard(gap)
	}
	d.pos, d.spooled = to, d.spooled+gap
	return ended(d.spool.fill(d.in, to-gap, gap))
}

func (d *decoder) discard(n int64) error {
	d.pos += n
	for n > 0 {
		done, err := d.in.Discard(int(min(n, 1<<30)))
		if err != nil {
			return ended(err)
		}
		n -= int64(done)
	}
	return nil
}

// skip passes over what is known to be of no use, up to the next item: it is
// never an error that the two overlap.
func (d *decoder) skip(i item) error {
	end := min(i.end(), d.queue.nextHost(i.end()))
	if end <= d.pos {
		return nil
	}
	if err := d.advance(max(i.host, d.pos)); err != nil {
		return err
	}
	return d.discard(end - d.pos)
}

// refTable reads where the refcount blocks are, to keep them out of the spool.
// As nothing depends on it, what makes no sense is passed over.
func (d *decoder) refTable(i item) error {
	if i.host < d.pos || d.tables == 0 {
		return nil
	}
	if err := d.advance(i.host); err != nil {
		return err
	}
	end := min(i.end(), d.queue.nextHost(i.end()))
	for end-d.pos >= 8 {
		var entry [8]byte
		if _, err := io.ReadFull(d.in, entry[:]); err != nil {
			return ended(err)
		}
		d.pos += 8
		block := item{host: int64(binary.BigEndian.Uint64(entry[:]) & offsetMask), length: d.header.ClusterSize, kind: kindSkip}
		if block.host > d.pos && d.queue.len() < d.opts.MaxItems/2 {
			d.queue.push(block)
		}
	}
	return nil
}

func (d *decoder) l1Table(i item) error {
	raw := make([]byte, i.length)
	if _, err := io.ReadFull(d.in, raw); err != nil {
		return ended(err)
	}
	d.pos, d.tables = i.end(), d.tables-1
	reach := d.header.l2Reach()
	for guest := int64(0); len(raw) > 0; raw, guest = raw[8:], guest+reach {
		host := int64(binary.BigEndian.Uint64(raw) & offsetMask)
		if host == 0 {
			continue
		}
		if host%d.header.ClusterSize != 0 {
			return corrupt("the L2 table for guest offset %#x is at %#x, which is not aligned", guest, host)
		}
		if err := d.expect(item{host: host, length: d.header.ClusterSize, guest: guest, kind: kindL2}); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) l2Table(i item) error {
	raw := make([]byte, i.length)
	if _, err := io.ReadFull(d.in, raw); err != nil {
		return ended(err)
	}
	d.pos, d.tables = i.end(), d.tables-1
	return d.parseL2(raw, i.guest)
}

func (d *decoder) compressed(i item) error {
	raw, err := d.in.Peek(int(i.length))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	d.submit(raw, i.guest)
	return d.discard(min(i.floor()-i.host, int64(len(raw))))
}

func (d *decoder) submit(raw []byte, guest int64) {
	d.inflate.submit(raw, guest, min(d.header.ClusterSize, d.header.VirtualSize-guest))
}

// data writes clusters to the guest. The last cluster of an image file may be
// cut short; the rest of it reads as zeros.
func (d *decoder) data(i item) error {
	for left := i.length; left > 0; {
		chunk, err := d.in.Peek(int(min(left, chunkSize)))
		if len(chunk) == 0 {
			if errors.Is(err, io.EOF) && left < d.header.ClusterSize && d.queue.needed == 0 {
				return nil
			}
			return ended(err)
		}
		if _, err := d.opts.Guest.WriteAt(chunk, i.guest+i.length-left); err != nil {
			return err
		}
		left -= int64(len(chunk))
		discard(d.in, len(chunk))
	}
	d.pos = i.end()
	return nil
}

// discard drops n bytes that r has in its buffer, which cannot fail.
func discard(r *bufio.Reader, n int) { _, _ = r.Discard(n) }

// ended explains that the stream is over before all that is mapped was seen.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return failure.Transient(failure.Truncated,
			"the qcow2 image ends before the last of its clusters: check that the file at the source is complete (%w)", err)
	}
	return err
}
