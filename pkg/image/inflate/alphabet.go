// SPDX-License-Identifier: Apache-2.0

package inflate

import "math/bits"

const (
	endOfBlock   = 256
	maxLiterals  = 286
	maxDistances = 30
)

// literalSymbol returns the entry of a symbol of the alphabet of literals and
// lengths, whose code has n bits.
func literalSymbol(s, n int) entry {
	switch {
	case s < endOfBlock:
		return newEntry(s, kindLiteral, n, 0)
	case s == endOfBlock:
		return newEntry(0, kindEnd, n, 0)
	case s < 265:
		return newEntry(s-254, 0, n, 0)
	case s < 285:
		// Four symbols for each number of extra bits.
		extra := (s - 261) / 4
		return newEntry(3+(4+(s-265)%4)<<extra, 0, n, extra)
	case s == 285:
		return newEntry(maxMatch, 0, n, 0)
	}
	return 0
}

// distanceSymbol is literalSymbol for the alphabet of distances.
func distanceSymbol(s, n int) entry {
	switch {
	case s < 4:
		return newEntry(s+1, 0, n, 0)
	case s < maxDistances:
		// Two symbols for each number of extra bits.
		extra := (s - 2) / 2
		return newEntry(1+(2+s%2)<<extra, 0, n, extra)
	}
	return 0
}

// lengthSymbol is literalSymbol for the alphabet of code lengths.
func lengthSymbol(s, n int) entry { return newEntry(s, 0, n, 0) }

func (d *Decoder) fixedTables() bool {
	lengths := d.codeLengths[:288] // two more than are used, to be complete
	for s := range lengths {
		switch {
		case s < 144:
			lengths[s] = 8
		case s < 256:
			lengths[s] = 9
		case s < 280:
			lengths[s] = 7
		default:
			lengths[s] = 8
		}
	}
	if !d.literals.build(lengths, literalSymbol) {
		return false
	}
	lengths = d.codeLengths[:32] // likewise
	for s := range lengths {
		lengths[s] = 5
	}
	return d.distances.build(lengths, distanceSymbol)
}

// dynamicTables reads the codes of a block, which come as the lengths of
// their words, in a code of their own.
func (d *Decoder) dynamicTables() bool {
	literals, distances, lengths := int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if literals > maxLiterals || distances > maxDistances || !d.lengthTable(lengths) {
		return false
	}
	all := d.codeLengths[:literals+distances]
	for i := 0; i < len(all); {
		d.refill()
		e := d.lengths.lookup(d.bits)
		if e.total() == 0 {
			return false
		}
		d.take(e.total())
		value, repeat := uint8(e.value()), 1
		switch e.value() {
		case 16:
			if i == 0 {
				return false
			}
			value, repeat = all[i-1], 3+int(d.take(2))
		case 17:
			value, repeat = 0, 3+int(d.take(3))
		case 18:
			value, repeat = 0, 11+int(d.take(7))
		}
		if !d.enough() || repeat > len(all)-i {
			return false
		}
		for range repeat {
			all[i] = value
			i++
		}
	}
	return d.literals.build(all[:literals], literalSymbol) && d.distances.build(all[literals:], distanceSymbol)
}

// lengthTable reads the code in which the lengths are written, n of whose
// lengths are there.
func (d *Decoder) lengthTable(n int) bool {
	// The symbols that are rarely used come last.
	order := [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	var lengths [19]uint8
	for _, s := range order[:n] {
		d.refill()
		lengths[s] = uint8(d.take(3))
	}
	return d.enough() && d.lengths.build(lengths[:], lengthSymbol)
}

// reversed returns the lowest n bits of code, the first one lowest.
func reversed(code, n int) int { return int(bits.Reverse16(uint16(code)) >> (16 - n)) }
