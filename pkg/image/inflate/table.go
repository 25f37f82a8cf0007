// SPDX-License-Identifier: Apache-2.0

package inflate

// entry tells what the next bits stand for.
//
//	bits  0–4   how many bits to consume, those of the code and its extra ones; 0: no such code
//	bits  5–7   kind
//	bits  8–11  how many of them are the code's
//	bits 16–31  literal, base of a length or distance, or place of a second table
type entry uint32

const (
	kindLiteral entry = 1 << 5
	kindEnd     entry = 1 << 6 // end of block
	kindTable   entry = 1 << 7 // the code is longer: bits 8–11 tell how long the second table's index is

	maxCodeBits = 15
)

func newEntry(value int, kind entry, code, extra int) entry {
	return entry(value)<<16 | entry(code)<<8 | kind | entry(code+extra)
}

func (e entry) total() uint { return uint(e & 31) }
func (e entry) code() uint  { return uint(e >> 8 & 15) }
func (e entry) value() int  { return int(e >> 16) }

// take returns the value of a length or distance whose code begins b.
func (e entry) take(b uint64) int {
	return e.value() + int(b&(1<<e.total()-1)>>e.code())
}

// table decodes one alphabet. The first 1<<bits entries are indexed by the
// next bits of the input; second tables for longer codes follow.
type table struct {
	bits    uint
	entries []entry
}

// build makes t the table of the canonical code with the given lengths.
// symbol turns a symbol and the length of its code into an entry. It reports
// false if the lengths make no code. A code that is not complete is one only
// if all it has is one code of one bit, or none at all.
func (t *table) build(lengths []uint8, symbol func(symbol, length int) entry) bool {
	var count [maxCodeBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	var next [maxCodeBits + 2]int
	left, longest := 1, 0
	for n := 1; n <= maxCodeBits; n++ {
		left = left<<1 - count[n]
		if left < 0 {
			return false
		}
		next[n+1] = (next[n] + count[n]) << 1
		if count[n] > 0 {
			longest = n
		}
	}
	if left > 0 && longest > 1 {
		return false
	}
	t.entries = append(t.entries[:0], make([]entry, 1<<t.bits)...)
	for s, n := range lengths {
		if n == 0 {
			continue
		}
		t.insert(reversed(next[n], int(n)), int(n), longest, symbol(s, int(n)))
		next[n]++
	}
	return true
}

// insert puts e wherever the low bits of the index are code.
func (t *table) insert(code, length, longest int, e entry) {
	part := t.entries[:1<<t.bits]
	if length > int(t.bits) {
		first := &part[code&(1<<t.bits-1)]
		width := longest - int(t.bits)
		if *first == 0 {
			*first = entry(len(t.entries))<<16 | entry(width)<<8 | kindTable | entry(t.bits)
			t.entries = append(t.entries, make([]entry, 1<<width)...)
			first = &t.entries[code&(1<<t.bits-1)]
		}
		part = t.entries[first.value():][:1<<width]
		code, length = code>>t.bits, length-int(t.bits)
	}
	for i := code; i < len(part); i += 1 << length {
		part[i] = e
	}
}

// lookup returns the entry for the code that b begins with.
func (t *table) lookup(b uint64) entry {
	e := t.entries[b&(1<<t.bits-1)]
	if e&kindTable != 0 {
		e = t.entries[e.value()+int(b>>t.bits&(1<<e.code()-1))]
	}
	return e
}
