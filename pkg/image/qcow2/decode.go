// SPDX-License-Identifier: Apache-2.0

package qcow2

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
)

const (
	// chunkSize is how much is moved at a time.
	chunkSize = 256 << 10
	// defaultMaxItems bounds the memory for what is known of the image file
	// to about 200 MB. A disk of 256 GiB that is fragmented down to the last
	// cluster of the usual size stays below.
	defaultMaxItems = 4 << 20
)

// Options say where the decoded disk goes and what an image may ask for.
type Options struct {
	// Guest takes the disk's content. Only ranges that hold data are written,
	// each once, from several goroutines, none beyond MaxSize.
	Guest io.WriterAt
	// MaxSize is the largest virtual size that is accepted, in bytes.
	MaxSize int64
	// MaxFileSize is the largest place in the image file that is accepted.
	MaxFileSize int64
	// Spool is a file opened for reading and writing. The decoder may use it
	// from SpoolStart on, up to MaxSpool bytes; the caller truncates it to
	// SpoolStart in the end.
	Spool      *os.File
	SpoolStart int64
	MaxSpool   int64
	// MaxItems bounds the memory for mappings; 0 means the default.
	MaxItems int
}

// Result tells how an image was laid out.
type Result struct {
	Header Header
	// Spooled is how many bytes had to be set aside until their place was known.
	Spooled int64
}

// Decode reads the image in r, once, and writes its active state to the guest.
// It stops reading where the last mapped cluster ends. Errors about the image
// are *failure.Error; those of r and of the guest come back as they are.
func Decode(ctx context.Context, r io.Reader, opts Options) (Result, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return Result{}, err
	}
	header, err := ParseHeader(head, opts.MaxSize)
	if err != nil {
		return Result{}, err
	}
	if opts.MaxItems == 0 {
		opts.MaxItems = defaultMaxItems
	}
	inflate, ctx := newInflater(ctx, header, opts.Guest)
	d := &decoder{
		header: header,
		opts:   opts,
		// Compressed clusters are looked at as a whole.
		in:      bufio.NewReaderSize(in, int(max(1<<20, 2*header.ClusterSize))),
		inflate: inflate,
		spool:   spool{file: opts.Spool, base: opts.SpoolStart, limit: opts.MaxSpool},
	}
	err = d.run(ctx)
	// A cluster that fails cancels the context: its error is the cause.
	if werr := inflate.wait(); werr != nil {
		err = werr
	}
	return Result{Header: header, Spooled: d.spooled}, err
}

// decoder is the state of one Decode.
type decoder struct {
	header  Header
	opts    Options
	in      *bufio.Reader
	inflate *inflater

	pos    int64 // offset in the image file of what in yields next
	queue  queue // what is known to lie at pos or after it
	tables int   // L1 and L2 tables in the queue

	spool   spool
	spooled int64
	late    []item // what turned out to lie before pos, hence in the spool
}

func (d *decoder) run(ctx context.Context) error {
	if err := d.begin(); err != nil {
		return err
	}
	for d.queue.needed > 0 {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		next := d.queue.pop()
		if err := d.handle(next); err != nil {
			return err
		}
		if d.tables > 0 {
			continue
		}
		if err := d.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// begin queues what the header tells.
func (d *decoder) begin() error {
	d.queue.push(item{host: 0, length: d.header.ClusterSize, kind: kindSkip})
	if d.header.refOffset > 0 {
		d.queue.push(item{host: d.header.refOffset, length: d.header.refLength, kind: kindRefTable})
	}
	need := d.header.l1Need()
	if need == 0 {
		return nil
	}
	l1 := item{host: d.header.l1Offset, length: need * 8, kind: kindL1}
	slack := -(l1.host + d.header.l1Entries*8) & (d.header.ClusterSize - 1)
	d.queue.push(item{host: l1.end(), length: (d.header.l1Entries-need)*8 + slack, kind: kindSkip})
	return d.expect(l1)
}

// expect records what an item of the image file is, before or after it passed.
func (d *decoder) expect(i item) error {
	if i.host > d.opts.MaxFileSize || i.end() > d.opts.MaxFileSize {
		return corrupt("it refers to offset %#x, beyond the %d bytes that a volume of this size may take", i.host, d.opts.MaxFileSize)
	}
	if d.queue.len()+len(d.late)+len(d.spool.runs) >= d.opts.MaxItems {
		return fragmented("its clusters are in no order")
	}
	if i.host < d.pos {
		return d.expectLate(i)
	}
	if i.kind == kindL1 || i.kind == kindL2 {
		d.tables++
	}
	d.queue.push(i)
	return nil
}

// expectLate records an item that has passed. Tables are read at once, as
// they may tell of what is ahead.
func (d *decoder) expectLate(i item) error {
	if i.kind == kindSkip {
		return nil
	}
	kept, found := d.spool.find(i.host)
	if !found || (kept.length < i.length && i.kind != kindCompressed) {
		return corrupt("the cluster at %#x has two uses", i.host)
	}
	d.late = append(d.late, i)
	if i.kind != kindL2 {
		return nil
	}
	raw := make([]byte, i.length)
	if err := d.spool.read(raw, kept.at); err != nil {
		return err
	}
	return d.parseL2(raw, i.guest)
}

func (d *decoder) parseL2(raw []byte, guest int64) error {
	table := l2Table{header: &d.header, emit: d.expect}
	return table.parse(raw, guest)
}
