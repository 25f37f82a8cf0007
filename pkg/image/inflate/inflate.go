// SPDX-License-Identifier: Apache-2.0

package inflate

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt says that the input is no deflate data, or less than was asked for.
var ErrCorrupt = errors.New("corrupt deflate data")

const (
	maxMatch = 258
	// slack is how far beyond the result the fast loop may write: a match,
	// rounded up to words.
	slack = maxMatch + 8

	literalBits = 11 // first table; the longest codes have 15
	distBits    = 8
	lengthBits  = 7 // the code of code lengths is not longer
)

// Decoder holds the memory for decompressing. It is not safe for concurrent use.
type Decoder struct {
	literals, distances, lengths table

	codeLengths [maxLiterals + maxDistances]uint8

	src    []byte
	pos    int    // in src
	bits   uint64 // from src, the next one lowest
	have   uint   // how many of bits count; what lies above is either zero or right
	out    []byte
	filled int // of out
	size   int // wanted
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder {
	d := new(Decoder)
	d.literals.bits, d.distances.bits, d.lengths.bits = literalBits, distBits, lengthBits
	return d
}

// Decode returns the first size bytes that src decompresses to, no matter what
// follows them. They stay valid until the next call.
func (d *Decoder) Decode(src []byte, size int) ([]byte, error) {
	if len(d.out) < size+slack {
		d.out = make([]byte, size+slack)
	}
	d.src, d.pos, d.bits, d.have = src, 0, 0, 0
	d.filled, d.size = 0, size
	for last := false; d.filled < size && !last; {
		d.refill()
		last = d.take(1) == 1
		kind := d.take(2)
		if !d.enough() {
			return nil, ErrCorrupt
		}
		if err := d.block(kind); err != nil {
			return nil, err
		}
	}
	if d.filled < size {
		return nil, ErrCorrupt
	}
	return d.out[:size], nil
}

func (d *Decoder) block(kind uint64) error {
	switch kind {
	case 0:
		return d.stored()
	case 1:
		if !d.fixedTables() {
			return ErrCorrupt
		}
	case 2:
		if !d.dynamicTables() {
			return ErrCorrupt
		}
	default:
		return ErrCorrupt
	}
	return d.compressed()
}

// refill makes at least 56 bits available while the input lasts; after its end
// there are fewer, and have tells.
func (d *Decoder) refill() {
	if d.pos+8 <= len(d.src) {
		d.bits |= binary.LittleEndian.Uint64(d.src[d.pos:]) << d.have
		d.pos += int((63 - d.have) >> 3)
		d.have |= 56
		return
	}
	d.bits &= 1<<d.have - 1
	for d.have < 56 && d.pos < len(d.src) {
		d.bits |= uint64(d.src[d.pos]) << d.have
		d.pos++
		d.have += 8
	}
}

// take consumes n bits. Beyond the end of the input they are zeros, and have
// wraps around, which enough finds out.
func (d *Decoder) take(n uint) uint64 {
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.have -= n
	return v
}

// enough reports whether no more bits were taken than there were.
func (d *Decoder) enough() bool { return d.have <= 64 }

// stored copies a block that is not compressed.
func (d *Decoder) stored() error {
	d.take(d.have & 7)
	d.refill()
	n := int(d.take(16))
	if complement := int(d.take(16)); !d.enough() || n != ^complement&0xffff {
		return ErrCorrupt
	}
	// What was read ahead is bytes again.
	d.pos -= int(d.have / 8)
	d.bits, d.have = 0, 0
	n = min(n, d.size-d.filled)
	if n > len(d.src)-d.pos {
		return ErrCorrupt
	}
	copy(d.out[d.filled:], d.src[d.pos:d.pos+n])
	d.filled += n
	d.pos += n
	return nil
}

// compressed decodes symbols up to the end of the block or of the result.
func (d *Decoder) compressed() error {
	for d.filled < d.size {
		if d.fast() {
			return nil
		}
		end, err := d.symbol()
		if end || err != nil {
			return err
		}
	}
	return nil
}

// symbol decodes one literal or match with all checks. It reports whether the
// block ended.
func (d *Decoder) symbol() (end bool, err error) {
	d.refill()
	e := d.literals.lookup(d.bits)
	if e.total() == 0 || e.total() > d.have {
		return false, ErrCorrupt
	}
	switch {
	case e&kindLiteral != 0:
		d.out[d.filled] = byte(e.value())
		d.filled++
		d.take(e.total())
		return false, nil
	case e&kindEnd != 0:
		d.take(e.total())
		return true, nil
	}
	length := e.take(d.bits)
	d.take(e.total())
	e = d.distances.lookup(d.bits)
	if e.total() == 0 || e.total() > d.have {
		return false, ErrCorrupt
	}
	distance := e.take(d.bits)
	d.take(e.total())
	if distance > d.filled {
		return false, ErrCorrupt
	}
	for range min(length, d.size-d.filled) {
		d.out[d.filled] = d.out[d.filled-distance]
		d.filled++
	}
	return false, nil
}
